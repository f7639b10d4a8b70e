"""Arrow schemas of every table in a run, column by column. Units are in the names; nulls are said.

`docs/results.md` is generated from PREDICTIONS; `tests/unit/schemas` keeps both in step.
"""

import pyarrow as pa

FORMAT_NO = 1
"""Of all tables here; written to their metadata and checked on reading."""

FORMAT_KEY = b"nightpoll_format"

_TIME = pa.timestamp("us", tz="UTC")
_TAG = pa.string()


def _field(name: str, kind: pa.DataType, doc: str, *, null: bool = False) -> pa.Field:
    return pa.field(name, kind, nullable=null, metadata={"doc": doc})


def _schema(*fields: pa.Field) -> pa.Schema:
    return pa.schema(fields, metadata={FORMAT_KEY: str(FORMAT_NO)})


_TRUTH_OF_KINDS = (
    _field("truth_codes", pa.list_(pa.int32()), "human codes of a several-codes question; null otherwise", null=True),
    _field("truth_number", pa.float64(), "human answer to a numeric question; null otherwise", null=True),
    _field("truth_text", pa.string(), "human answer to an open question; null otherwise", null=True),
)
"""Added within format 1: files written before have none of these, and read as null."""

_AVERAGED = pa.list_(
    pa.struct(
        [
            pa.field("option_order", pa.list_(pa.int32())),
            pa.field("answer", pa.int32()),
        ]
    )
)

PLAN = _schema(
    _field("request_id", pa.string(), "identity of the request"),
    _field("model", pa.string(), "name in models.yaml"),
    _field("turns", pa.string(), "JSON list of turns; the first is a list of messages {role, content}"),
    _field("parameters", pa.string(), "JSON object of wire parameters except messages and model"),
    _field("answer_format", pa.string(), "how the answer is read, see `schemas.answer_format`"),
    _field("prompt_tokens", pa.int32(), "estimated prompt tokens of all turns"),
    _field("completion_tokens", pa.int32(), "estimated completion tokens of all turns"),
    _field("max_tokens", pa.int32(), "prompt estimate + token limit: what a quota that counts maxima books"),
    _field("shard", pa.int32(), "shard number, unique in the run; rows of a shard are contiguous"),
)

TASKS = _schema(
    _field("task_id", pa.string(), "identity of the task"),
    _field("respondent_id", pa.string(), "respondent"),
    _field("question_id", pa.string(), "question"),
    _field("arm", pa.string(), "arm"),
    _field("repeat", pa.int32(), "0 for the first"),
    _field("request_id", pa.string(), "request that serves the task; null for imported predictions", null=True),
    _field("option_order", pa.list_(pa.int32()), "codes in the order shown"),
    _field("truth", pa.int32(), "human code; null unless answered", null=True),
    _field("truth_status", pa.string(), "answered | refused | dont_know | not_asked | file_missing"),
    _field("weight", pa.float64(), "survey weight, 1.0 if none"),
    _field("split", pa.string(), "train | validation | test"),
    _field("imported_text", pa.string(), "answer as found in an import; null otherwise", null=True),
    *_TRUTH_OF_KINDS,
    _field("route_arm", pa.string(), "arm that a route chose for the respondent; null in every other arm", null=True),
    _field("turn", pa.int32(), "turn of the request that answers the task, 0 for the first; null: the last", null=True),
    _field(
        "option_orders",
        pa.list_(pa.list_(pa.int32())),
        "codes as shown in each turn, where every turn asks in another order; null: asked in one",
        null=True,
    ),
)

RESPONSES = _schema(
    _field("request_id", pa.string(), "request"),
    _field("outcome", pa.string(), "ok | refused | filtered | truncated | failed"),
    _field("turns", pa.list_(pa.string()), "raw text of each turn; empty if there is none"),
    _field("logprobs", pa.string(), "raw JSON", null=True),
    _field("prompt_tokens", pa.int32(), "sum over turns", null=True),
    _field("cached_tokens", pa.int32(), "part of prompt_tokens", null=True),
    _field("completion_tokens", pa.int32(), "sum over turns", null=True),
    _field("reasoning_tokens", pa.int32(), "part of completion_tokens", null=True),
    _field(
        "cost_usd",
        pa.float64(),
        "all calls of the request, failed and repeated ones with known usage included",
    ),
    _field("maybe_paid", pa.int32(), "calls whose answer never reached us and may have been billed"),
    _field("maybe_paid_usd", pa.float64(), "their full price where a budget reserved it; null likewise", null=True),
    _field("model", pa.string(), "model id asked"),
    _field("model_version", pa.string(), "registry version; null if none", null=True),
    _field("deployment", pa.string(), "our label of the deployment that answered", null=True),
    _field("served_model", pa.string(), "model id the service reported", null=True),
    _field("system_fingerprint", pa.string(), "as reported", null=True),
    _field("transport", pa.string(), "online | batch | reused | imported"),
    _field("source_run_id", pa.string(), "run the answer was reused from", null=True),
    _field("attempts", pa.int32(), "calls that reached the service or failed trying; waits are none"),
    _field("latency_s", pa.float64(), "of the answering call", null=True),
    _field("finish_reason", pa.string(), "as reported", null=True),
    _field("error_code", pa.string(), "reason code; null for ok", null=True),
    _field("error_message", pa.string(), "one sentence; null for ok", null=True),
    _field("created_at", _TIME, "when the answer arrived (UTC); of the original call if reused"),
)

PREDICTIONS = _schema(
    _field("run_id", _TAG, "run"),
    _field("task_id", pa.string(), "identity of the task; unique"),
    _field("respondent_id", pa.string(), "respondent"),
    _field("question_id", _TAG, "question"),
    _field("arm", _TAG, "arm"),
    _field("route_arm", _TAG, "component arm a route chose; null for other arms", null=True),
    _field("repeat", pa.int32(), "0 for the first"),
    _field("model", _TAG, "model id asked; null for imported predictions", null=True),
    _field("model_version", _TAG, "registry version; null if none", null=True),
    _field("deployment", _TAG, "our label of the deployment that answered; null if none did", null=True),
    _field("served_model", _TAG, "model id the service reported; null if none did", null=True),
    _field("system_fingerprint", _TAG, "as reported; null if not", null=True),
    _field("transport", _TAG, "online | batch | reused | imported; null while pending", null=True),
    _field("source_run_id", _TAG, "run the answer was reused from; null otherwise", null=True),
    _field(
        "status",
        _TAG,
        "answered | unparsed | refused | filtered | truncated | failed | cancelled | pending",
    ),
    _field("answer", pa.int32(), "predicted code; null unless answered", null=True),
    _field("answer_label", _TAG, "label of answer; null unless answered", null=True),
    _field("answer_text", pa.string(), "raw text of the last turn; null if there is none", null=True),
    _field(
        "probabilities",
        pa.map_(pa.int32(), pa.float64()),
        "code -> share; null for single answers",
        null=True,
    ),
    _field("covered_mass", pa.float64(), "probability that fell on offered codes, 0..1; null likewise", null=True),
    _field("truth", pa.int32(), "human code; null unless answered", null=True),
    _field("truth_label", _TAG, "label of truth; null unless answered", null=True),
    _field("truth_status", _TAG, "answered | refused | dont_know | not_asked | file_missing"),
    _field("weight", pa.float64(), "survey weight, 1.0 if the survey has none"),
    _field("split", _TAG, "train | validation | test"),
    _field("in_sample", pa.bool_(), "the model was tuned on this respondent"),
    _field("option_order", pa.list_(pa.int32()), "codes in the order shown"),
    _field("request_id", pa.string(), "request that served the task; null for imported predictions", null=True),
    _field("shared_by", pa.int32(), "tasks that share the request; 1 if none other"),
    _field("attempts", pa.int32(), "calls made for the request"),
    _field("prompt_tokens", pa.int32(), "the request's; null if unknown", null=True),
    _field("cached_tokens", pa.int32(), "the request's, part of prompt_tokens; null if unknown", null=True),
    _field("completion_tokens", pa.int32(), "the request's; null if unknown", null=True),
    _field("reasoning_tokens", pa.int32(), "the request's, part of completion_tokens; null if unknown", null=True),
    _field("request_cost_usd", pa.float64(), "US$ of the whole request in this run; 0 if reused"),
    _field("cost_usd", pa.float64(), "US$ share of this task; the column's sum is the run's bill"),
    _field("latency_s", pa.float64(), "seconds of the answering call; null if none", null=True),
    _field("finish_reason", _TAG, "as reported; null if not", null=True),
    _field("reader_version", pa.int32(), "version of the answer reader"),
    _field("error_code", _TAG, "reason code unless answered; null otherwise", null=True),
    _field("error_message", pa.string(), "one sentence unless answered; null otherwise", null=True),
    _field("created_at", _TIME, "UTC moment the answer arrived; null while pending", null=True),
    _field(
        "answer_codes",
        pa.list_(pa.int32()),
        "predicted codes of a several-codes question, in codebook order; null unless answered",
        null=True,
    ),
    _field("answer_number", pa.float64(), "predicted number of a numeric question; null unless answered", null=True),
    *_TRUTH_OF_KINDS,
    _field(
        "averaged",
        _AVERAGED,
        "one entry an option order: codes as shown, code chosen (null: none read); null for tasks asked in one order",
        null=True,
    ),
)

METRICS = _schema(
    _field("run_id", pa.string(), "run"),
    _field("arm", pa.string(), "arm, `human`, or `baseline:*`"),
    _field("arm_b", pa.string(), "second arm of a comparison", null=True),
    _field("question_id", pa.string(), "null = macro over questions, `*pooled` = pooled", null=True),
    _field("split", pa.string(), "all | train | validation | test | held_out"),
    _field("subgroup", pa.map_(pa.string(), pa.int32()), "variable -> code; null = everyone", null=True),
    _field("level", pa.string(), "answer code as text; null for whole-question figures", null=True),
    _field("metric", pa.string(), "name as in docs/metrics.md"),
    _field("form", pa.string(), "strict | valid; null where it makes no difference", null=True),
    _field("weighted", pa.bool_(), "survey weights used"),
    _field("value", pa.float64(), "null = undefined", null=True),
    _field("reason", pa.string(), "why value is null", null=True),
    _field("ci_low", pa.float64(), "95 % interval", null=True),
    _field("ci_high", pa.float64(), "95 % interval", null=True),
    _field("ci_method", pa.string(), "how the interval was made", null=True),
    _field("n", pa.int64(), "cases in the denominator", null=True),
    _field("n_eff", pa.float64(), "Kish effective n", null=True),
    _field("flags", pa.list_(pa.string()), "verdict flags, empty if none"),
)


def conformed(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """A table written by an earlier version of the same format, with the columns it lacks as nulls."""
    columns = [
        table[field.name] if field.name in table.column_names else pa.nulls(table.num_rows, field.type)
        for field in schema
    ]
    return pa.table(columns, schema=schema)
