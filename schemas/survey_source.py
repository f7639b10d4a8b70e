"""The `survey` part of a study: where the real answers are."""

from datetime import date

from pydantic import Field, model_validator

from schemas.strict import Strict


class SurveySource(Strict):
    """Where the real answers are."""

    file: str | None = Field(
        None,
        description="Survey file, relative to the study: .sav, .zsav, .por, .dta, .sas7bdat, .csv, .tsv, .xlsx or "
        ".parquet.",
    )
    files: list[str] = Field(
        default_factory=list,
        description="Instead of `file`: several files, as waves, joined by the respondent id. A variable that an "
        "earlier file has too is NAME_w2 in the second.",
    )
    respondent_id: str = Field(
        description="Variable with one distinct value per respondent; `row_number` where the file has none."
    )
    weight: str | None = Field(None, description="Analysis weight; 1.0 for everyone without it.")
    strata: str | None = Field(None, description="Sampling stratum.")
    cluster: str | None = Field(None, description="Sampling cluster.")
    filter: str | None = Field(None, description="Rule that keeps respondents, as in `AGE >= 30 and METRO == 1`.")
    fielded: date | None = Field(None, description="First day in the field; compared with the models' cut-off.")

    @model_validator(mode="after")
    def _one_source(self) -> "SurveySource":
        if (self.file is None) == (not self.files):
            raise ValueError("the survey needs either `file` or a list of `files`")
        return self
