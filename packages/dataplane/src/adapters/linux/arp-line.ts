/** One line of `tcpdump -t -n -e arp` (4.99). */
import { hostAddressOf, parseIpv4, type HostAddress } from '@routerd/resources';
import type { ArpHeard } from '../../lan/lan-wire.ts';

/**
 * `62:42:68:03:be:c3 > ff:ff:ff:ff:ff:ff, ethertype ARP (0x0806), length 42: Request who-has 10.77.60.1 tell 10.77.60.100, length 28`
 * and `…: Reply 10.77.60.100 is-at 62:42:68:03:be:c3, length 28`
 */
export function parseArpLine(line: string): ArpHeard | undefined {
  const source = /^([0-9a-f]{2}(?::[0-9a-f]{2}){5}) > /.exec(line)?.[1];
  const request = /: Request who-has ([0-9.]+)(?: \([0-9a-f:]+\))? tell ([0-9.]+),/.exec(line);
  if (request !== null && source !== undefined) {
    const [, asked, sender] = request;
    return heard(sender, source, addressOf(asked));
  }
  const reply = /: Reply ([0-9.]+) is-at ([0-9a-f:]{17}),/.exec(line);
  return reply === null ? undefined : heard(reply[1], reply[2], undefined);
}

function heard(
  sender: string | undefined,
  mac: string | undefined,
  asksFor: HostAddress | undefined,
): ArpHeard | undefined {
  const address = addressOf(sender);
  return address === undefined || mac === undefined ? undefined : { sender: address, mac, asksFor };
}

function addressOf(text: string | undefined): HostAddress | undefined {
  const parsed = parseIpv4(text ?? '');
  return parsed.ok ? hostAddressOf(parsed.value) : undefined;
}
