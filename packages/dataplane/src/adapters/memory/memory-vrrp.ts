/** The twin of keepalived: whoever holds it says who wins. */
import {
  isSameElection,
  type VirtualRouter,
  type Vrrp,
  type VrrpFault,
  type VrrpRole,
} from '../../vrrp/virtual-router.ts';

export class MemoryVrrp implements Vrrp {
  readonly #listeners = new Set<() => void>();
  readonly #roles = new Map<string, VrrpRole>();
  #desired: readonly VirtualRouter[] = [];

  desired(): readonly VirtualRouter[] {
    return this.#desired;
  }

  /** The outcome of an election. Refused for what is not desired, as keepalived would not know it. */
  elect(name: string, role: 'master' | 'backup'): void {
    if (!this.#desired.some((router) => router.name === name)) throw new Error(`there is no virtual router ${name}`);
    if (this.#roles.get(name) === role) return;
    this.#roles.set(name, role);
    this.#tell();
  }

  /** The process that speaks VRRP dies: nobody knows any role. */
  die(): void {
    if (this.#roles.size === 0) return;
    this.#roles.clear();
    this.#tell();
  }

  setDesired(routers: readonly VirtualRouter[]): void {
    if (JSON.stringify(routers) === JSON.stringify(this.#desired)) return;
    const over = this.#desired.filter(
      (known) => this.#roles.has(known.name) && !routers.some((router) => isSameElection(known, router)),
    );
    this.#desired = routers;
    for (const { name } of over) this.#roles.delete(name);
    if (over.length > 0) this.#tell();
  }

  role(name: string): VrrpRole {
    return this.#roles.get(name) ?? 'unknown';
  }

  fault(): VrrpFault | undefined {
    return undefined;
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async stop(): Promise<void> {
    this.#listeners.clear();
  }

  #tell(): void {
    for (const listener of this.#listeners) listener();
  }
}
