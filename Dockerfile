# The image that pipelines and servers (ZenML, MLflow) run in; `python run.py stack up kubernetes` builds and pushes it.
# By hand: `docker build -t switchyard .` in the repository's root.
#
# Code is baked in at /app, where ZenML looks for it: no pod downloads any. Runs as user 8888 with a read-only root file
# system; /tmp and /app/.zen are written:
#   docker run --read-only --tmpfs /tmp --tmpfs /app/.zen:uid=8888 switchyard python run.py --help
ARG PYTHON=python:3.11-slim-bookworm

FROM ${PYTHON} AS libraries
# Where CPU builds of torch are: its own index, unless wheels lie in the build context or in the base image's PIP_FIND_LINKS.
ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu
RUN python3 -m venv /opt/uv && /opt/uv/bin/pip install --no-cache-dir --quiet --disable-pip-version-check uv==0.13.9
COPY requirements.txt torch-*.whl /build/
RUN export UV_FIND_LINKS="/build${PIP_FIND_LINKS:+,${PIP_FIND_LINKS}}" \
 && if ls /build/torch-*.whl ${PIP_FIND_LINKS:+"${PIP_FIND_LINKS}"/torch-*.whl} 2>/dev/null | grep -q . ; then TORCH_INDEX= ; fi \
 && export UV_EXTRA_INDEX_URL="${TORCH_INDEX}" UV_INDEX_STRATEGY=unsafe-best-match UV_HTTP_TIMEOUT=300 \
 && /opt/uv/bin/uv venv --quiet --python "$(command -v python3)" /opt/switchyard \
 && /opt/uv/bin/uv pip install --quiet --no-cache --python /opt/switchyard/bin/python --requirement /build/requirements.txt \
 && cd /opt/switchyard/lib/python3.11/site-packages \
 # A CPU image holds no CUDA; where torch's CPU build was not found, say so now and not in gigabytes.
 && if [ -n "$(ls -d nvidia* 2>/dev/null)" ]; then echo "torch came with CUDA: name an index of CPU builds by --build-arg TORCH_INDEX" >&2; exit 1; fi \
 # Tests of the libraries; Evidently's folder of that name is not one.
 && for name in matplotlib numba numpy pandas pyarrow pywt scipy skimage sklearn statsmodels sympy torch tornado onnx; do \
      find "$name" -type d \( -name tests -o -name test \) -prune -exec rm -rf {} + ; done \
 && rm -rf torch/include
# ZenML would import these libraries in every pod, for 4 s, to have materializers that none of our artifacts needs.
RUN cd /opt/switchyard/lib/python3.11/site-packages/zenml/integrations \
 && for name in lightgbm pytorch sklearn xgboost; do : > "$name/materializers/__init__.py"; done
# Nobody can write bytecode later. Some libraries carry templates that are no Python: no error.
RUN /opt/switchyard/bin/python -m compileall -q -j 0 /opt/switchyard/lib >/dev/null 2>&1 || true

FROM ${PYTHON} AS code
COPY run.py requirements.txt pyproject.toml /app/
COPY configs/ /app/configs/
COPY switchyard/ /app/switchyard/
COPY materializers/ /app/materializers/
COPY stacks/ /app/stacks/
COPY registry/ /app/registry/
COPY deployment/ /app/deployment/
COPY steps/ /app/steps/
COPY pipelines/ /app/pipelines/
COPY app/ /app/app/
COPY plugins/ /app/plugins/
RUN python3 -m compileall -q /app

FROM ${PYTHON}
COPY --from=libraries /opt/switchyard /opt/switchyard
# LightGBM's and scikit-learn's threads.
RUN apt-get update -qq \
 && apt-get install -y -qq --no-install-recommends libgomp1 >/dev/null \
 && rm -rf /var/lib/apt/lists/* /var/cache/apt /var/log/apt /var/log/dpkg.log \
 && groupadd --gid 8888 switchyard \
 && useradd --uid 8888 --gid 8888 --no-create-home --home-dir /tmp --shell /usr/sbin/nologin switchyard \
 # ZenML's record of the active stack, and where run.py writes documents and reports: mount a volume where root is read-only.
 && install -d -o 8888 -g 8888 /app/.zen /app/docs /app/reports
COPY --from=code /app /app
# What is in this image, as CycloneDX; `python -m switchyard.sbom switchyard` says it of any environment.
RUN PYTHONPATH=/app PYTHONDONTWRITEBYTECODE=1 /opt/switchyard/bin/python -m switchyard.sbom switchyard > /opt/switchyard/sbom.json
# Of Switchyard, as in switchyard/__init__.py; a test holds them together.
ARG RELEASE=0.1.0
LABEL org.opencontainers.image.title="switchyard" org.opencontainers.image.version="${RELEASE}" org.opencontainers.image.licenses="Apache-2.0"
ENV SWITCHYARD_RELEASE="${RELEASE}"
ENV PATH=/opt/switchyard/bin:$PATH \
    VIRTUAL_ENV=/opt/switchyard \
    PYTHONPATH=/app \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    HOME=/tmp \
    MPLCONFIGDIR=/tmp/matplotlib \
    NUMBA_CACHE_DIR=/tmp/numba \
    ZENML_CONFIG_PATH=/tmp/zenml \
    DO_NOT_TRACK=1 \
    MLFLOW_DISABLE_TELEMETRY=true \
    ORT_DISABLE_TELEMETRY=1 \
    YDATA_PROFILING_NO_ANALYTICS=true \
    ZENML_ANALYTICS_OPT_IN=false \
    ZENML_ENABLE_RICH_TRACEBACK=false \
    ZENML_LOGGING_COLORS_DISABLED=true \
    GX_ANALYTICS_ENABLED=false
USER 8888:8888
WORKDIR /app
CMD ["python", "run.py", "--help"]
