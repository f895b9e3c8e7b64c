import inspect
import re

from chat_app import errors


def _drawn() -> dict[str, str]:
    """name → parent, as the docstring draws it."""
    parents, stack = {}, []
    for line in (errors.__doc__ or "").splitlines():
        found = re.match(r"^    ([│├└─ ]*)(\w+)( |$)", line)
        if found is None:
            continue
        depth = len(found[1]) // 4
        stack[depth:] = [found[2]]
        parents[found[2]] = stack[depth - 1] if depth else "Exception"
    return parents


def test_the_tree_drawn_in_the_docstring_is_the_tree_of_classes():
    classes = {
        name: cls.__bases__[0].__name__
        for name, cls in inspect.getmembers(errors, inspect.isclass)
        if issubclass(cls, errors.ChatError)
    }

    assert _drawn() == classes


def test_every_error_has_a_code_of_its_own():
    codes = [cls.code for _, cls in inspect.getmembers(errors, inspect.isclass) if issubclass(cls, errors.ChatError)]

    assert len(codes) == len(set(codes))
