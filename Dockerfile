# obie-tokens as a container: one program, a numeric user, a read-only root, one volume.
#
#     make image          builds it with docker, podman or buildah
#     make image-check    builds it without a registry, and looks whether it works

ARG BUILD_IMAGE=swift:6.3-bookworm
ARG RUNTIME_IMAGE=debian:bookworm-slim

FROM ${BUILD_IMAGE} AS build
RUN apt-get update \
    && apt-get install --yes --no-install-recommends binutils libsqlite3-dev libuv1-dev make pkg-config \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /build
COPY . .
RUN make install DESTDIR=/staged

FROM ${RUNTIME_IMAGE}
ARG VERSION=unknown
ARG REVISION=unknown
LABEL org.opencontainers.image.title="obie-tokens" \
      org.opencontainers.image.description="Token server of an OBIE open-banking flow" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
RUN apt-get update \
    && apt-get install --yes --no-install-recommends libsqlite3-0 libuv1 \
    && rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/log/* \
    && install --directory --mode 700 --owner 65532 --group 65532 /var/lib/obie-tokens
COPY --from=build /staged/usr/bin/obie-tokens /usr/bin/obie-tokens

# A flag, or a variable given to the container, goes before these.
ENV OBIE_TOKENS_LISTEN=0.0.0.0:8080 \
    OBIE_TOKENS_ADMIN_LISTEN=0.0.0.0:9090 \
    OBIE_TOKENS_STORE=sqlite:/var/lib/obie-tokens/obie-tokens.db
USER 65532:65532
WORKDIR /var/lib/obie-tokens
VOLUME /var/lib/obie-tokens
EXPOSE 8080 9090
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=5s --retries=3 \
    CMD ["/usr/bin/obie-tokens", "healthcheck"]
ENTRYPOINT ["/usr/bin/obie-tokens"]
CMD ["serve"]
