/** The LAN through `tcpdump` and `arping`. */
import { bareAddress, type HostAddress, type Ipv4Prefix } from '@routerd/resources';
import type { Clock, Log } from '@routerd/runtime';
import type { LanWire, LanWireListener } from '../../lan/lan-wire.ts';
import { parseArpLine } from './arp-line.ts';
import { hostCommandRunner, type RunHostCommand } from './host-command.ts';
import { LineProcess } from './line-process.ts';

export interface LinuxLanWireOptions {
  readonly clock: Clock;
  readonly log: Log;
  /** As of LinuxHost. */
  readonly commandPrefix?: readonly string[];
}

/** ARP packets that are read in a second; a flood beyond it stays in the kernel's buffer and is dropped there. */
const PACKETS_PER_SECOND_MAX = 2000;
const PROBES = 3;

export function createLinuxLanWire(options: LinuxLanWireOptions): LanWire {
  const { clock, log, commandPrefix = [] } = options;
  const run = hostCommandRunner(commandPrefix);
  return {
    listen: (interfaceName: string, prefix: Ipv4Prefix, listener: LanWireListener) =>
      new LineProcess({
        clock,
        log,
        argv: [...commandPrefix, ...tcpdumpArguments(interfaceName, prefix)],
        linesPerSecondMax: PACKETS_PER_SECOND_MAX,
        startsWith: 'listening on',
        onStarted: () => listener.onStarted(),
        onLine: (line) => {
          const heard = parseArpLine(line);
          if (heard !== undefined) listener.onHeard(heard);
        },
      }),
    probe: async (interfaceName, address) => probe(run, interfaceName, address),
    ask: (interfaceName, address) => {
      // The packet leaves at once; arping then listens for its second, and that nobody answers is expected.
      void run(['arping', '-q', '-c', '1', '-w', '1', '-I', interfaceName, bareAddress(address)]);
    },
  };
}

/** Per packet and line (`--immediate-mode`, `-l`); incoming only, which leaves out what this host says itself; no name look-ups. */
function tcpdumpArguments(interfaceName: string, prefix: Ipv4Prefix): readonly string[] {
  const options = ['--immediate-mode', '-l', '-n', '-t', '-e', '-p', '-s', '64', '-Q', 'in', '-i', interfaceName];
  return ['tcpdump', ...options, `arp src net ${prefix}`];
}

async function probe(
  run: RunHostCommand,
  interfaceName: string,
  address: HostAddress,
): Promise<'answered' | 'silent' | 'unknown'> {
  const quad = bareAddress(address);
  const asked = await run(['arping', '-q', '-f', '-c', `${PROBES}`, '-w', `${PROBES}`, '-I', interfaceName, quad]);
  if (asked.ok) return 'answered';
  // Status 1 is silence; anything else says that nothing was asked.
  if (asked.error.code !== 'command.failed' || asked.error.exitCode !== 1) return 'unknown';
  const link = await run(['ip', '-o', 'link', 'show', 'dev', interfaceName]);
  return link.ok && link.value.stdout.includes('LOWER_UP') ? 'silent' : 'unknown';
}
