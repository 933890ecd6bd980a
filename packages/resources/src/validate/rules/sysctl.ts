/** Settings of the kernel: each once, and none that would undo what routerd needs. */
import type { Problem } from '../../diagnostic.ts';
import type { ResourceOf } from '../../resource.ts';
import { firstByKey, type ResourceIndex } from '../resource-index.ts';
import { errorAt, rule, type Rule } from '../rule.ts';

type Sysctl = ResourceOf<'Sysctl'>;

/** `net/ipv4/ip_forward` and `net.ipv4.ip_forward` are one setting. */
function settingOf({ spec }: Sysctl): string {
  return spec.key.replaceAll('/', '.');
}

const firstOfKey = firstByKey('Sysctl', (sysctl) => [settingOf(sysctl)]);

function* sysctlOnce(sysctl: Sysctl, index: ResourceIndex): Iterable<Problem> {
  const first = firstOfKey(index).get(settingOf(sysctl));
  if (first === undefined || first === sysctl) return;
  yield errorAt(['spec', 'key'], {
    code: 'sysctl.twice',
    message: `Sysctl/${first.metadata.name} sets ${first.spec.key} already.`,
  });
}

/** Without forwarding every captured packet ends at this router. */
function* forwardingStays(sysctl: Sysctl): Iterable<Problem> {
  if (settingOf(sysctl) !== 'net.ipv4.ip_forward' || sysctl.spec.value.trim() !== '0') return;
  yield errorAt(['spec', 'value'], {
    code: 'sysctl.forwarding',
    message: 'net.ipv4.ip_forward is 0 here, and a router forwards; expected 1, or no Sysctl for it.',
  });
}

export const sysctlRules: readonly Rule[] = [
  rule('Sysctl', sysctlOnce, { brokenBy: ['Sysctl'] }),
  rule('Sysctl', forwardingStays),
];
