/** Namespaces on one bridge, for as long as a test lasts. */
import { runCommand } from '@routerd/runtime';

export interface ChaosNet {
  /** A namespace with one address on the common network. @returns its name */
  add(name: string, address: string): Promise<string>;
  /** Takes the cable out: nothing arrives and nobody is told. */
  unplug(name: string): Promise<void>;
  plug(name: string): Promise<void>;
  close(): Promise<void>;
}

/** @param prefix unique on the machine; names of interfaces have 15 characters at most */
export async function openChaosNet(prefix: string): Promise<ChaosNet> {
  const namespaces: string[] = [];
  const make = async (name: string): Promise<string> => {
    const namespace = `${prefix}-${name}`;
    await ip('netns', 'add', namespace);
    namespaces.push(namespace);
    await ip('-n', namespace, 'link', 'set', 'lo', 'up');
    return namespace;
  };
  const wan = await make('wan');
  await ip('-n', wan, 'link', 'add', 'br0', 'type', 'bridge');
  await ip('-n', wan, 'link', 'set', 'br0', 'up');
  return {
    add: async (name, address) => {
      const namespace = await make(name);
      await ip('-n', wan, 'link', 'add', name, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', namespace);
      await ip('-n', wan, 'link', 'set', name, 'master', 'br0', 'up');
      await ip('-n', namespace, 'address', 'add', `${address}/24`, 'dev', 'eth0');
      await ip('-n', namespace, 'link', 'set', 'eth0', 'up');
      return namespace;
    },
    // Out of the bridge, not down: the other end must not notice.
    unplug: async (name) => ip('-n', wan, 'link', 'set', name, 'nomaster'),
    plug: async (name) => ip('-n', wan, 'link', 'set', name, 'master', 'br0'),
    close: async () => {
      for (const namespace of namespaces.splice(0).toReversed()) await ip('netns', 'delete', namespace);
    },
  };
}

async function ip(...args: readonly string[]): Promise<void> {
  const result = await runCommand(['ip', ...args]);
  if (!result.ok) throw new Error(`ip ${args.join(' ')}: ${result.error.stderr || result.error.code}`);
}
