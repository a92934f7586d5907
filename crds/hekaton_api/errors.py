"""What is wrong with a document: every finding with its place, and all of them at once."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to mend. `str` gives one line for a terminal."""

    file: str
    """Name of the file as the caller gave it; empty when the object has no file."""
    line: int
    """Line in the file, from 1; 0 when unknown."""
    field: str
    """Field as in `spec.roles[2].model`; empty when the finding is about the whole document."""
    value: str
    """The value as it stands there, shortened, and masked if it may be secret; may be empty."""
    problem: str
    """What is wrong, read after the value."""
    remedy: str
    """What to do, in one or two sentences."""

    def __str__(self) -> str:
        place = ":".join(part for part in (self.file, str(self.line or "")) if part)
        subject = ": ".join(part for part in (self.field, self.value) if part)
        said = " ".join(part for part in (subject, self.problem) if part)
        return f"{place}{': ' if place else ''}{said}. {self.remedy}".strip()


class Invalid(Exception):
    """A file cannot be used; `findings` holds all that is wrong, in the order of the file."""

    def __init__(self, findings: tuple[Finding, ...]) -> None:
        self.findings = findings
        super().__init__("\n".join(str(finding) for finding in findings))
