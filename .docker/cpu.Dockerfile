# syntax=docker/dockerfile:1
# motion-lift on a processor: the job, its exports and MMPose's detectors; no laboratory, no tests.
# Build it from the repository: docker build --file .docker/cpu.Dockerfile --tag motion-lift .

FROM python:3.11.14-slim-bookworm AS build
# PyTorch's processor build, a tenth of the CUDA one. The version is that of pyproject.toml; a test keeps them alike.
ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN python -m venv /opt/venv
ENV PATH=/opt/venv/bin:$PATH
RUN pip install --no-cache-dir --index-url "$TORCH_INDEX" torch==2.13.0 torchvision==0.28.0
WORKDIR /opt/motion-lift
COPY pyproject.toml README.md LICENSE ./
COPY detectors detectors
COPY lifter lifter
COPY render render
COPY pipeline pipeline
# mediapipe and mmpose without their own lists: see the Makefile.
RUN pip install --no-cache-dir --editable '.[mmpose,export]' \
    && pip install --no-cache-dir --no-deps mmpose==1.3.2 mediapipe==0.10.21

FROM python:3.11.14-slim-bookworm
# What OpenCV's wheel asks of the system. Debian's release pins them: one image tag, one set of packages.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends libgl1 libglib2.0-0 \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --create-home --uid 1000 mover \
    && install --directory --owner mover /films
COPY --from=build /opt/venv /opt/venv
COPY --from=build /opt/motion-lift /opt/motion-lift
ENV PATH=/opt/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 MPLCONFIGDIR=/tmp/matplotlib
USER 1000
WORKDIR /films
HEALTHCHECK --interval=5m --timeout=2m --start-period=10s CMD ["python", "-m", "pipeline", "doctor"]
ENTRYPOINT ["python", "-m", "pipeline"]
CMD ["--help"]
