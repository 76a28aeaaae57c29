# obie-tokens as an image: built with the Swift toolchain, run on Debian without it.
#
#   make image          builds it with docker, podman or buildah
#   make image-check    builds it without a registry, runs it, and looks
#
# Both images may come from elsewhere, such as a mirror of yours. They must be of one Debian release: the program is
# linked with the build image's C library.
ARG BUILD_IMAGE=docker.io/library/swift:6.3-bookworm
ARG RUNTIME_IMAGE=docker.io/library/debian:bookworm-slim

FROM ${BUILD_IMAGE} AS build
# The release's newest, with its security updates.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends curl libsqlite3-dev libssl-dev libuv1-dev make pkg-config \
    && apt-get clean && rm -rf /var/lib/apt/lists/*
WORKDIR /build
COPY . .
RUN make release \
    && install -D --mode 755 --strip .build/release/obie-tokens /out/obie-tokens

FROM ${RUNTIME_IMAGE}
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends libpq5 libsqlite3-0 libssl3 libuv1 \
    && apt-get clean && rm -rf /var/lib/apt/lists/* /var/log/apt /var/log/dpkg.log \
    && install --directory --owner 65532 --group 65532 --mode 700 /var/lib/obie-tokens /var/log/obie-tokens
COPY --from=build /out/obie-tokens /usr/bin/obie-tokens

ARG VERSION=unknown
ARG REVISION=unknown
LABEL org.opencontainers.image.title="obie-tokens" \
      org.opencontainers.image.description="Token server of an OBIE open-banking flow" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"

# Settings as ever: a flag behind `serve` goes before these, these go before a file. None is a secret.
# hadolint ignore=DL3064
ENV OBIE_TOKENS_LISTEN=0.0.0.0:8080 \
    OBIE_TOKENS_ADMIN_LISTEN=0.0.0.0:9090 \
    OBIE_TOKENS_STORE=sqlite:/var/lib/obie-tokens/obie-tokens.db \
    OBIE_TOKENS_LOG_FORMAT=json
# The only place that it writes to: the root file system may be read-only. For an audit log on a volume of its own there is
# /var/log/obie-tokens.
VOLUME /var/lib/obie-tokens
EXPOSE 8080 9090

# A number, so that Kubernetes can tell that it is not root.
USER 65532:65532
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s --retries=3 \
    CMD ["/usr/bin/obie-tokens", "healthcheck"]
ENTRYPOINT ["/usr/bin/obie-tokens"]
CMD ["serve"]
