# One image for every service: worker, producer, flower, emulator. Nothing secret goes in; keys come at run time.
ARG PYTHON_VERSION=3.13

FROM python:${PYTHON_VERSION}-slim AS build
# Byte code is made here: the file system is read-only later.
ENV UV_COMPILE_BYTECODE=1
WORKDIR /build
COPY requirements.lock pyproject.toml ./
# uv first, from the lock as well; then what the project needs at run time, each file checked against its hash.
RUN sed -n '/^uv==/,/[^\\]$/p' requirements.lock > uv.txt \
    && pip install --no-cache-dir --no-deps --require-hashes -r uv.txt \
    && uv venv --python python3 /venv \
    && uv pip install --python /venv/bin/python --no-cache --only-binary :all: \
        --constraints requirements.lock --extra monitor -r pyproject.toml
COPY README.md LICENSE ./
COPY schemas ./schemas
COPY storage ./storage
COPY survey ./survey
COPY providers ./providers
COPY producer ./producer
COPY finetuning ./finetuning
COPY evaluation ./evaluation
COPY emulator ./emulator
COPY workers ./workers
COPY cli ./cli
COPY examples ./examples
RUN uv pip install --python /venv/bin/python --no-cache --no-deps --build-constraints requirements.lock .

FROM python:${PYTHON_VERSION}-slim
RUN useradd --uid 10001 --create-home nightpoll \
    && mkdir -p /data/runs /data/copies /study \
    && chown nightpoll:nightpoll /data/runs /data/copies /study
COPY --from=build /venv /venv
COPY examples /examples
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
USER 10001
WORKDIR /study
CMD ["nightpoll", "--help"]
