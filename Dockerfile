# Counterfoil in one image, for amd64 and arm64. It serves a landscape, and needs a token for its control plane:
#   docker build -t counterfoil .
#   docker run --rm -p 127.0.0.1:8100-8104:8100-8104 -e COUNTERFOIL_TOKEN=laptop-only counterfoil
# EXTRAS: what else to install (`load` for Locust). PIP_NO_INDEX=1 PIP_FIND_LINKS=wheelhouse: from wheels in that folder, without a network.
ARG BASE=python:3.11-slim

FROM ${BASE} AS build
ARG EXTRAS=postgres
ARG PIP_NO_INDEX
ARG PIP_FIND_LINKS
WORKDIR /src
COPY . .
RUN python3 -m venv /opt/counterfoil \
 && /opt/counterfoil/bin/pip install --no-cache-dir --disable-pip-version-check ".[${EXTRAS}]" \
 && /opt/counterfoil/bin/pip uninstall --yes --quiet setuptools pip

FROM ${BASE}
ENV PATH=/opt/counterfoil/bin:$PATH PYTHONUNBUFFERED=1
RUN useradd --uid 10001 --create-home counterfoil && install -d -o counterfoil -g counterfoil /data
COPY --from=build /opt/counterfoil /opt/counterfoil
USER 10001
WORKDIR /data
EXPOSE 8100-8104
HEALTHCHECK --interval=3s --timeout=3s --start-period=60s --retries=5 \
  CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8100/ready')"]
ENTRYPOINT ["counterfoil"]
CMD ["up", "--host", "0.0.0.0"]
