# Three images: operator; runtime (conductor, router, broker, agents, workspace, migrate, simulated models); engines (runtime
# with vLLM). Any Debian base with Python 3.11 or newer will do; nothing here knows an architecture or a registry.
#   docker build --target runtime -t hekaton/runtime:0.1.0 .
#   buildah bud --isolation chroot --target runtime -t hekaton/runtime:0.1.0 .
# A mirror or a certificate authority of your own: --secret id=pip,src=pip.conf (nothing of it stays in an image).
# The same context, pins and base give the same layers: no time stands in them (buildah bud --timestamp 1767225600).
ARG BASE_IMAGE=python:3.12-slim

# ---- tools of the build, and which packages each image needs: pyproject.toml names them, constraints.txt pins them
FROM ${BASE_IMAGE} AS tools
ENV PIP_CONFIG_FILE=/run/secrets/pip PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore \
    PIP_NO_COMPILE=1 SOURCE_DATE_EPOCH=1767225600 PYTHONHASHSEED=0 \
    COMPILE="python3 -m compileall -q --invalidation-mode unchecked-hash"
WORKDIR /src
COPY pyproject.toml constraints.txt ./
RUN --mount=type=secret,id=pip \
    python3 -m venv /tools && /tools/bin/pip install --quiet -c constraints.txt hatchling
RUN python3 -c "import tomllib; p = tomllib.load(open('pyproject.toml', 'rb'))['project']; more = p['optional-dependencies']; \
    [open(name, 'w').write('\n'.join(p['dependencies'] + sum((more[extra] for extra in extras), []))) for name, extras in \
    (('operator.txt', ['operator']), ('runtime.txt', ['review', 'router', 'service', 'kube']))]" \
    && python3 -m venv --without-pip /opt/hekaton

FROM tools AS wheel
COPY . .
RUN /tools/bin/pip wheel --quiet --no-deps --no-build-isolation --no-index --wheel-dir /wheel .

FROM tools AS operator-packages
RUN --mount=type=secret,id=pip \
    /tools/bin/pip --python /opt/hekaton install --quiet --only-binary :all: -c constraints.txt -r operator.txt
COPY --from=wheel /wheel /wheel
RUN /tools/bin/pip --python /opt/hekaton install --quiet --no-deps --no-index /wheel/*.whl && { $COMPILE /opt/hekaton/lib || true; }

FROM tools AS runtime-packages
RUN --mount=type=secret,id=pip \
    /tools/bin/pip --python /opt/hekaton install --quiet --only-binary :all: -c constraints.txt -r runtime.txt
COPY --from=wheel /wheel /wheel
RUN /tools/bin/pip --python /opt/hekaton install --quiet --no-deps --no-index /wheel/*.whl && { $COMPILE /opt/hekaton/lib || true; }

# VLLM=none leaves /opt/vllm empty, for nodes that bring their own vLLM (HEKATON_VLLM names its command).
FROM tools AS engine-packages
ARG VLLM=pinned
COPY agent_runtime/engines.txt ./
RUN --mount=type=secret,id=pip \
    python3 -m venv --without-pip /opt/vllm \
    && if [ "$VLLM" = pinned ]; then \
      /tools/bin/pip --python /opt/vllm install --quiet --no-deps --only-binary :all: -r engines.txt; \
      $COMPILE /opt/vllm/lib || true; \
    fi

# ---- what every image has: a user without rights; nothing is imported from the folder that a process stands in
FROM ${BASE_IMAGE} AS common
RUN export SOURCE_DATE_EPOCH=1767225600 && groupadd --gid 65532 hekaton \
    && useradd --uid 65532 --gid 65532 --no-create-home --home-dir /tmp --shell /usr/sbin/nologin hekaton
ENV PATH=/opt/hekaton/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    PYTHONSAFEPATH=1 PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 LANG=C.UTF-8 HOME=/tmp
WORKDIR /tmp
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="hekaton" \
      org.opencontainers.image.description="Teams of language models on coding missions, under an exact budget" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"

FROM common AS operator
COPY --from=operator-packages /opt/hekaton /opt/hekaton
USER 65532:65532
ENTRYPOINT ["python", "-m", "hekaton_operator"]

# git holds the branches of a mission; commands that models wrote find python and git here.
FROM common AS runtime
RUN command -v git || { apt-get update --quiet --quiet \
    && apt-get install --quiet --quiet --yes --no-install-recommends git && rm -rf /var/lib/apt/lists/*; }
COPY --from=runtime-packages /opt/hekaton /opt/hekaton
USER 65532:65532
ENTRYPOINT ["hekaton"]

# Triton compiles its launchers when an engine starts: the one image with a C compiler and Python's headers.
FROM runtime AS engines
USER 0:0
RUN headers=$(python3 -c "import os, sysconfig as s; print('' if os.path.exists(s.get_path('include') + '/Python.h') else 'python3-dev')") \
    && apt-get update --quiet --quiet \
    && apt-get install --quiet --quiet --yes --no-install-recommends gcc libc6-dev libnuma1 $headers \
    && rm -rf /var/lib/apt/lists/*
COPY --from=engine-packages /opt/vllm /opt/vllm
ENV HEKATON_VLLM=/opt/vllm/bin/vllm XDG_CACHE_HOME=/tmp/cache
USER 65532:65532
ENTRYPOINT ["hekaton", "engines"]
