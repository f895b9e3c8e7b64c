// What a browser has recorded, as a WAV of one channel: every model that hears takes it.
const RATE = 16_000; // samples a second, as models of speech want them
const HEAD = 44; // bytes before the samples (soundfile.sapp.org/doc/WaveFormat)

/** Of so many seconds at most; raises where the browser cannot read what was recorded. */
export async function asWav(recorded, most = Infinity) {
  const context = new OfflineAudioContext(1, 1, RATE); // what it decodes is brought to its rate
  const sound = await context.decodeAudioData(await recorded.arrayBuffer());
  const length = Math.min(sound.length, Math.floor(most * RATE));
  const channels = Array.from({ length: sound.numberOfChannels }, (_, index) => sound.getChannelData(index));
  const made = new DataView(new ArrayBuffer(HEAD + 2 * length));
  const words = (at, text) => [...text].forEach((letter, index) => made.setUint8(at + index, letter.charCodeAt(0)));
  words(0, "RIFF");
  made.setUint32(4, made.byteLength - 8, true);
  words(8, "WAVEfmt ");
  made.setUint32(16, 16, true); // bytes of what follows up to the data
  made.setUint16(20, 1, true); // plain samples
  made.setUint16(22, 1, true); // channels
  made.setUint32(24, RATE, true);
  made.setUint32(28, 2 * RATE, true); // bytes a second
  made.setUint16(32, 2, true); // bytes a sample
  made.setUint16(34, 16, true); // bits of it
  words(36, "data");
  made.setUint32(40, 2 * length, true);
  for (let index = 0; index < length; index++) {
    let sum = 0;
    for (const channel of channels) sum += channel[index];
    const sample = Math.max(-1, Math.min(1, sum / channels.length));
    made.setInt16(HEAD + 2 * index, sample * 0x7fff, true);
  }
  return new Blob([made], { type: "audio/wav" });
}
