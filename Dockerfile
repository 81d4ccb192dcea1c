# Evenkeel's command line and HTTP API. The home is the volume; nothing else is written to.
FROM python:3.11-slim

WORKDIR /opt/evenkeel
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY optimizer/ optimizer/
COPY knowledge/ knowledge/
COPY inventory/ inventory/
COPY tools/ tools/
COPY agent/ agent/
COPY service/ service/
RUN python -m pip install --no-cache-dir --disable-pip-version-check --constraint constraints.txt . \
    && useradd --system --uid 10001 --create-home evenkeel \
    && install --directory --owner evenkeel --mode 0700 /var/lib/evenkeel

# Not the folder of the sources: the installed packages are what runs.
WORKDIR /var/lib/evenkeel
USER evenkeel
ENV EVENKEEL_HOME=/var/lib/evenkeel PYTHONUNBUFFERED=1
VOLUME /var/lib/evenkeel
EXPOSE 8400
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8400/health', timeout=4)"]
ENTRYPOINT ["evenkeel"]
CMD ["--help"]
