FROM python:3.11-slim

ENV PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1

WORKDIR /srv/learning-paths

COPY requirements requirements
RUN pip install --no-cache-dir -r requirements/django52.txt -r requirements/test.txt

COPY . .
RUN pip install --no-cache-dir --no-deps --editable . \
    && useradd --create-home sandbox \
    && install --directory --owner=sandbox --group=sandbox /data sandbox/media

USER sandbox

CMD ["python", "manage.py", "runserver", "--noreload", "0.0.0.0:8000"]
