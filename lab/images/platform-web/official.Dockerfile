# Platform Web on the official nginx image: `make images` gives it as BASE, pinned by digest in
# configs/services/nginx/server/service.yaml. The image has curl, which the health check runs.
ARG BASE
FROM ${BASE}
RUN command -v curl
COPY nginx.conf /etc/nginx/nginx.conf
COPY site /usr/share/nginx/site
USER 101:101
STOPSIGNAL SIGQUIT
EXPOSE 80
ENTRYPOINT []
CMD ["nginx", "-g", "daemon off;"]
