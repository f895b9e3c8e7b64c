// The files of a message that is edited: the new one has them, too, but those that are taken out.
import { isPicture, sizeOf, thumbOf } from "./given.jsx";
import { t } from "./i18n.js";
import { Icon } from "./icons.jsx";

export function EditFiles({ files, isSent, onRemove }) {
  if (!files.length) return null;
  return (
    <ul className="tray" aria-label={t("files.edited")}>
      {files.map((file) => (
        <li key={file.attachment_id} className="attached here" aria-label={file.name}>
          {isPicture(file) ? <img src={thumbOf(file)} alt={file.alt} width="56" height="56" /> : <span className="sort"><Icon name="file" /></span>}
          <span className="about">
            <span className="name" dir="auto" title={file.name}>{file.name}</span>
            <span className="size">{sizeOf(file)}</span>
          </span>
          <button type="button" className="quiet icon-only" disabled={isSent} aria-label={t("files.remove", { name: file.name })} onClick={() => onRemove(file)}><Icon name="x" /></button>
        </li>
      ))}
    </ul>
  );
}
