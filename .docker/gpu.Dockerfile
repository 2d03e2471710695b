# syntax=docker/dockerfile:1
# motion-lift on an NVIDIA card, with the laboratory, so that lifters can be trained; no tests. The machine brings the
# driver and NVIDIA's container toolkit.
# Build it from the repository: docker build --file .docker/gpu.Dockerfile --tag motion-lift:gpu .

FROM python:3.11.14-slim-bookworm AS build
# The usual build for Linux brings CUDA's libraries; for another CUDA give --build-arg TORCH_INDEX=... of PyTorch's own.
# The version is that of pyproject.toml; a test keeps them alike.
ARG TORCH_INDEX
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN python -m venv /opt/venv
ENV PATH=/opt/venv/bin:$PATH
# pip takes no notice of an empty address.
RUN PIP_INDEX_URL="$TORCH_INDEX" pip install --no-cache-dir torch==2.13.0 torchvision==0.28.0
WORKDIR /opt/motion-lift
COPY pyproject.toml README.md LICENSE ./
COPY detectors detectors
COPY lifter lifter
COPY render render
COPY pipeline pipeline
COPY configs configs
# mediapipe and mmpose without their own lists: see the Makefile.
RUN pip install --no-cache-dir --editable '.[lab,mmpose,export]' \
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
# "video" lets FFmpeg's NVENC be used (`--codec auto`).
ENV PATH=/opt/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 MPLCONFIGDIR=/tmp/matplotlib \
    NVIDIA_VISIBLE_DEVICES=all NVIDIA_DRIVER_CAPABILITIES=compute,utility,video
USER 1000
WORKDIR /films
HEALTHCHECK --interval=5m --timeout=2m --start-period=10s CMD ["python", "-m", "pipeline", "doctor"]
ENTRYPOINT ["python", "-m", "pipeline"]
CMD ["--help"]
