/** The keys that count: of every node of the group, this one included. Changes as the group does. */
import { err, ok, type NodeName, type Result } from '@routerd/resources';
import type { GroupMembership } from './federation-config.ts';
import type { IdentityFault, verifierOf, VerifySignature } from './node-identity.ts';

export interface KeyringChange {
  /** Nodes that are new, or have a key that did not count before. */
  readonly added: readonly NodeName[];
  readonly removed: readonly NodeName[];
}

export class Keyring {
  readonly #self: readonly [NodeName, string];
  readonly #verifierOf: typeof verifierOf;
  readonly #verifiers = new Map<NodeName, VerifySignature>();
  /** Bring what was derived up to date about one node. */
  readonly #derivations: ((node: NodeName, verify: VerifySignature | undefined) => void)[] = [];
  /** Public keys of each node, in the order in which they are tried. */
  #keys: ReadonlyMap<NodeName, readonly string[]> = new Map();

  constructor(self: readonly [NodeName, string], make: typeof verifierOf) {
    this.#self = self;
    this.#verifierOf = make;
  }

  /** The same map for good: who holds it sees each change. */
  get verifiers(): ReadonlyMap<NodeName, VerifySignature> {
    return this.#verifiers;
  }

  /** Everybody but this node. */
  get peers(): ReadonlySet<NodeName> {
    return new Set([...this.#keys.keys()].filter((node) => node !== this.#self[0]));
  }

  /** What is made of each verifier, as a map for good as well; made anew for a node whose keys change. */
  derive<T>(make: (verify: VerifySignature) => T): ReadonlyMap<NodeName, T> {
    const derived = new Map([...this.#verifiers].map(([node, verify]) => [node, make(verify)]));
    this.#derivations.push((node, verify) => {
      if (verify === undefined) derived.delete(node);
      else derived.set(node, make(verify));
    });
    return derived;
  }

  /** All or nothing: a key that is none changes nothing. */
  take({ peers, nextKeys }: Pick<GroupMembership, 'peers' | 'nextKeys'>): Result<KeyringChange, IdentityFault> {
    const keys = new Map<NodeName, readonly string[]>();
    const verifiers = new Map<NodeName, VerifySignature>();
    for (const [node, publicKey] of [...peers, ...(nextKeys ?? []), this.#self]) {
      const made = this.#verifierOf(publicKey);
      if (!made.ok) return err({ ...made.error, detail: `${node}: ${made.error.detail}` });
      const first = verifiers.get(node);
      verifiers.set(node, first === undefined ? made.value : either(first, made.value));
      keys.set(node, [...(keys.get(node) ?? []), publicKey]);
    }
    const before = this.#keys;
    this.#keys = keys;
    const removed = [...before.keys()].filter((node) => !keys.has(node));
    for (const node of removed) this.#set(node, undefined);
    // A verifier remembers what it has proved: those whose keys are the same stay.
    const changed = [...keys].filter(([node, all]) => all.join(' ') !== before.get(node)?.join(' '));
    for (const [node] of changed) this.#set(node, verifiers.get(node));
    const added = changed.filter(([node, all]) => !all.every((key) => before.get(node)?.includes(key) === true));
    return ok({ added: added.map(([node]) => node), removed });
  }

  #set(node: NodeName, verify: VerifySignature | undefined): void {
    if (verify === undefined) this.#verifiers.delete(node);
    else this.#verifiers.set(node, verify);
    for (const update of this.#derivations) update(node, verify);
  }
}

function either(first: VerifySignature, second: VerifySignature): VerifySignature {
  return (content, signature) => first(content, signature) || second(content, signature);
}
