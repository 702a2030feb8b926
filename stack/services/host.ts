const loopbackNames = ['localhost', '127.0.0.1', '[::1]']

/**
 * Returns whether the `Host` header of a request to a server on loopback names this machine. This
 * check prevents DNS rebinding: a page of another site can reach the server by a DNS name that
 * resolves to 127.0.0.1, but the header then contains this name.
 */
export function isLoopbackHost(header: string | undefined): boolean {
  const host = URL.parse(`http://${header}`)?.hostname ?? ''
  return loopbackNames.includes(host)
}
