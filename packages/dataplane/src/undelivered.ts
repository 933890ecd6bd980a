/** Nothing is attracted that cannot be delivered: a capture waits for its route and for forwarding, its announcement for the capture. */
import type { HostAddress } from '@routerd/resources';
import type { HostOp } from './host-op.ts';
import type { HostFault, Residual } from './ports.ts';
import { IP_FORWARD } from './sysctl-names.ts';

/** What did not land so far of one list of ops, and which of the others are not tried for it. */
export class Undelivered {
  readonly #withoutRoute = new Set<string>();
  readonly #notCaptured = new Set<HostAddress>();
  #isForwarding = true;

  note({ op }: Residual): void {
    if (op.verb === 'route-add' || op.verb === 'route-replace') this.#withoutRoute.add(op.route.destination);
    else if (op.verb === 'proxy-neighbor-add') this.#notCaptured.add(op.neighbor.address);
    else if (op.verb === 'sysctl-set' && op.path.join('/') === IP_FORWARD.join('/')) this.#isForwarding = false;
  }

  /** @returns why the op is not tried; undefined: it is */
  faultOf(op: HostOp): HostFault | undefined {
    if (op.verb === 'proxy-neighbor-add') return this.#faultOfCapture(op.neighbor.address);
    if (op.verb !== 'announce') return undefined;
    return this.#notCaptured.has(op.address) ? waiting(op.address, 'is captured') : this.#faultOfCapture(op.address);
  }

  #faultOfCapture(address: HostAddress): HostFault | undefined {
    if (this.#withoutRoute.has(address)) return waiting(address, 'has its route');
    return this.#isForwarding ? undefined : waiting(address, 'can be forwarded');
  }
}

function waiting(address: HostAddress, until: string): HostFault {
  return { code: 'host.failed', detail: `nothing is attracted to ${address} before it ${until}`, retry: 'later' };
}
