/** A LAN in memory: a test says what is heard, and who answers. */
import type { HostAddress } from '@routerd/resources';
import type { ArpHeard, LanWire, LanWireListener } from '../../lan/lan-wire.ts';

export interface MemoryLanWire extends LanWire {
  hear(heard: ArpHeard): void;
  /** What `probe` finds for an address; `silent` unless told. */
  setAnswer(address: HostAddress, answer: 'answered' | 'silent' | 'unknown'): void;
  /** Addresses asked for by `ask`. */
  readonly asked: readonly HostAddress[];
  readonly probed: readonly HostAddress[];
}

export function createMemoryLanWire(): MemoryLanWire {
  const listeners = new Set<LanWireListener>();
  const answers = new Map<HostAddress, 'answered' | 'silent' | 'unknown'>();
  const asked: HostAddress[] = [];
  const probed: HostAddress[] = [];
  return {
    asked,
    probed,
    listen(_interfaceName, _prefix, listener) {
      listeners.add(listener);
      listener.onStarted();
      return {
        stop: async () => {
          listeners.delete(listener);
        },
      };
    },
    async probe(_interfaceName, address) {
      probed.push(address);
      return answers.get(address) ?? 'silent';
    },
    ask(_interfaceName, address) {
      asked.push(address);
    },
    hear(heard) {
      for (const listener of listeners) listener.onHeard(heard);
    },
    setAnswer(address, answer) {
      answers.set(address, answer);
    },
  };
}
