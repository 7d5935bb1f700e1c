"""The contender: a bare FastAPI endpoint that parses the same body and does nothing with it."""

import sys
from datetime import date
from typing import Literal

import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel


class Mark(BaseModel):
    student_id: str
    date: date
    session: Literal["AM", "PM"]
    code: str
    comment: str | None = None
    employee_id: str | None = None


class Body(BaseModel):
    kind: str
    records: list[Mark]


app = FastAPI()


@app.post("/registers", status_code=202)
async def take(body: Body) -> dict[str, int]:
    return {"records": len(body.records)}


if __name__ == "__main__":
    uvicorn.run(
        app,
        host="127.0.0.1",
        port=int(sys.argv[1]),
        loop="uvloop",
        http="httptools",
        access_log=False,
        log_level="error",
    )
