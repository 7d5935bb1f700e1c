"""`/problems/{code}`: the page that an error's `type` points to."""

from fastapi import APIRouter
from starlette.responses import HTMLResponse

from writeback.api.front.errors_doc import errors
from writeback.api.service.explain import explanation_of, page_of
from writeback.core.errors import NotFound

router = APIRouter(tags=["problems"])


@router.get("/problems/{code}", response_class=HTMLResponse, responses=errors(404))
async def explain(code: str) -> HTMLResponse:
    """Explain an error's or a finding's code."""
    explanation = explanation_of(code)
    if explanation is None:
        raise NotFound("code_unknown", f"no explanation of {code[:64]!r}", hint="The answer's own detail says most.")
    return HTMLResponse(page_of(explanation))
