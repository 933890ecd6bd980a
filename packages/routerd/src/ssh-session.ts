/** The SSH session that asks for a change: who is cut off first if it goes wrong. Pure. */
import { hostAddressOf, parseIpv4, type HostAddress } from '@routerd/resources';

export type SshSession =
  | {
      readonly family: 'ipv4';
      readonly client: HostAddress;
      readonly local: HostAddress;
      /** The server's. */
      readonly port: number;
    }
  /** Of IPv6 routerd makes neither addresses nor routes: what can cut it is what is done to its interface. */
  | { readonly family: 'ipv6'; readonly interface: string; readonly port: number };

/**
 * @param connection `$SSH_CONNECTION`: client address and port, own address and port
 * @param interfaceOf which interface of this host has an IPv6 address
 * @returns undefined at a console
 */
export function sshSession(
  connection: string | undefined,
  interfaceOf: (address: string) => string | undefined = () => undefined,
): SshSession | undefined {
  const [client = '', , local = '', port = '22'] = connection?.split(' ') ?? [];
  const [parsedClient, parsedLocal] = [parseIpv4(client), parseIpv4(local)];
  if (parsedClient.ok && parsedLocal.ok)
    return {
      family: 'ipv4',
      client: hostAddressOf(parsedClient.value),
      local: hostAddressOf(parsedLocal.value),
      port: Number(port),
    };
  if (!local.includes(':')) return undefined;
  // A link-local address says by itself which interface it is on: fe80::1%eth0.
  const [address = '', scope] = local.split('%');
  const name = scope ?? interfaceOf(address);
  return name === undefined ? undefined : { family: 'ipv6', interface: name, port: Number(port) };
}
