"""Who is asking: from a cookie to a `Principal`.

Cookies are signed, HttpOnly and SameSite=Strict. Until accounts exist the page's first visit gets the cookie of
`local`, the one person there is. A cookie's name holds the port, because browsers share cookies between ports and two
instances on one machine would overwrite each other's.
"""

from __future__ import annotations

from itsdangerous import BadSignature, URLSafeSerializer

from chat_app.errors import Unauthorized
from chat_app.messages import Principal

LOCAL_USER = "local"
_MAX_AGE_S = 400 * 24 * 3600  # the longest a browser keeps a cookie (RFC 6265bis)


class Identity:
    """Makes and reads the cookie.

    `is_open` says that whoever opens a page is `local`: while there is nobody else.

    Args:
        secret_key: Signs it.
        port: The port of the page.
    """

    def __init__(self, secret_key: str, port: int) -> None:
        self.is_open = True
        self._serializer = URLSafeSerializer(secret_key, salt="chat_app.session")
        self._name = f"chat_app_{port}"

    def principal(self, cookie_header: str) -> Principal:
        """Who a `Cookie` header speaks for.

        Raises:
            Unauthorized: It holds no valid cookie of ours.
        """
        # Not http.cookies: it gives up at the first cookie it cannot read, and those of other ports come along.
        pairs = (pair.strip().partition("=") for pair in cookie_header.split(";"))
        signed = next((value for name, _, value in pairs if name == self._name), "")
        try:
            user_id = self._serializer.loads(signed)
        except BadSignature:
            user_id = None
        if not isinstance(user_id, str):
            raise Unauthorized("Reload the page: it is not signed in.")
        return Principal(user_id)

    def set_cookie(self, user_id: str = LOCAL_USER) -> str:
        """The `Set-Cookie` header that signs a person in."""
        return f"{self.cookie(user_id)}; Path=/; Max-Age={_MAX_AGE_S}; HttpOnly; SameSite=Strict"

    def cookie(self, user_id: str) -> str:
        """The `Cookie` header of a signed-in person."""
        return f"{self._name}={self._serializer.dumps(user_id)}"
