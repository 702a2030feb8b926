# The page behind an Ingress. Build it after `npm run build`, with dist/ as its context:
#   docker build -f deploy/kubernetes/web.Dockerfile -t natter/web-nginx dist
ARG NGINX_IMAGE=nginxinc/nginx-unprivileged:1.29-alpine
FROM ${NGINX_IMAGE}
COPY client /srv/client
# When the container starts, the image's entrypoint replaces the variables in this template.
COPY web/nginx.conf.template /etc/nginx/templates/natter.conf.template
