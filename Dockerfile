ARG BASE=python:3.11-slim
FROM ${BASE}
RUN useradd --create-home counterfoil
WORKDIR /opt/counterfoil
COPY . src
RUN python3 -m venv venv && venv/bin/pip install --no-cache-dir ./src && rm -rf src
USER counterfoil
EXPOSE 8100-8104
ENTRYPOINT ["/opt/counterfoil/venv/bin/counterfoil"]
CMD ["up"]
