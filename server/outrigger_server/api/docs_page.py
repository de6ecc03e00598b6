"""The page that shows the OpenAPI document, which may load what it needs and nothing else."""

import base64
import hashlib
import re

from fastapi import APIRouter, Request
from fastapi.openapi.docs import get_swagger_ui_html
from starlette.responses import HTMLResponse

from outrigger_server.api.heads import HeadRoute

router = APIRouter(route_class=HeadRoute)

_PACKAGES = "https://cdn.jsdelivr.net"
_PICTURES = "https://fastapi.tiangolo.com"
_INLINE = re.compile(r"<script>(.*?)</script>", re.DOTALL)


@router.get("/docs", include_in_schema=False)
async def docs(request: Request) -> HTMLResponse:
    """Show what can be asked, and let it be tried."""
    root: str = request.scope.get("root_path", "").rstrip("/")
    page = get_swagger_ui_html(
        openapi_url=f"{root}{request.app.openapi_url}", title=f"{request.app.title} - Swagger UI"
    )
    page.headers["content-security-policy"] = policy_for(bytes(page.body).decode())
    return page


def policy_for(page: str) -> str:
    """What the page may do: run its own script as it is and the package's, ask this server."""
    digests = [hashlib.sha256(script.encode()).digest() for script in _INLINE.findall(page)]
    own = " ".join(f"'sha256-{base64.b64encode(each).decode()}'" for each in digests)
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src {_PACKAGES} {own}",
            f"style-src {_PACKAGES} 'unsafe-inline'",
            f"img-src 'self' data: {_PICTURES}",
            "connect-src 'self'",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
        )
    )
