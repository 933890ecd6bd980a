/** What a plugin is shown of the configuration: nothing but what its allow-list names, and of that no secret. Pure. */
import type { Resource, ResourceOf } from '@routerd/resources';

export interface ContextResource {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly spec: unknown;
}

type Allowed = ResourceOf<'Plugin'>['spec']['context']['resources'][number];

/** In the order of the allow-list; what does not exist is left out. Cost: linear in both. */
export function contextOf(allowed: readonly Allowed[], effective: readonly Resource[]): readonly ContextResource[] {
  if (allowed.length === 0) return [];
  const byName = new Map(effective.map((resource) => [keyOf({ ...resource, name: resource.metadata.name }), resource]));
  return allowed.flatMap((target) => {
    const resource = byName.get(keyOf(target));
    return resource === undefined ? [] : [{ ...target, spec: withoutSecrets(resource.spec) }];
  });
}

function keyOf({ apiVersion, kind, name }: Allowed): string {
  return `${apiVersion}/${kind}/${name}`;
}

/** A member whose key contains one of these is blanked; docs/reference/plugin-protocol.md lists them. */
const SECRET = /secret|password|privatekey|presharedkey|psk|token|credential|passphrase|authkey/;
/** Where a secret lies is not shown either. */
const SECRET_FILE = /(key|secret|password)file$/;
/** `passwordFrom: { file | env | base64 }`: where a value is taken from. */
const INDIRECT = /from$/;
const INDIRECT_MEMBERS = ['file', 'env', 'base64'];

/** A copy: text under secret keys becomes empty, objects and lists under them and what points at secrets are gone. */
export function withoutSecrets(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutSecrets);
  if (typeof value !== 'object' || value === null) return value;
  const shown: Record<string, unknown> = {};
  for (const [key, member] of Object.entries(value)) {
    const plain = key.toLowerCase().replaceAll(/[^a-z0-9]/g, '');
    if (SECRET_FILE.test(plain)) continue;
    if (INDIRECT.test(plain) && isIndirect(member)) continue;
    if (!SECRET.test(plain)) shown[key] = withoutSecrets(member);
    else if (typeof member !== 'object') shown[key] = '';
  }
  return shown;
}

function isIndirect(value: unknown): boolean {
  return typeof value === 'object' && value !== null && INDIRECT_MEMBERS.some((member) => Object.hasOwn(value, member));
}
