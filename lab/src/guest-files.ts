/** Small files that the machines see: hosts, resolv.conf, and the two programs on their PATH. */
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { CHECKOUT, type LabFiles } from './lab-files.ts';
import { API_ADDRESS, VENDOR_NAMES, type EmulatedCloud, type Site, type Topology } from './topology.ts';

/** The hosts file of a site; the cloud's guests also find the vendor's API there, and nothing else on the Internet. */
export function hostsFile(topology: Topology, site: Site | EmulatedCloud | undefined): string {
  const vendor = site !== undefined && site !== 'onprem' ? [[API_ADDRESS, ...VENDOR_NAMES[site]]] : [];
  return [...everywhere(topology), ...vendor].map((line) => `${line.join(' ')}\n`).join('');
}

/** Looked up by every host: the clients by their addresses in the subnet, the routers by their overlay addresses. */
function everywhere({ hub, gateway, clients, routers }: Topology): readonly (readonly string[])[] {
  return [
    ['127.0.0.1', 'localhost'],
    ...(hub === undefined ? [] : [[hub.address, `${hub.name}.lab.test`, hub.name]]),
    [gateway, 'gateway'],
    ...clients.map((client) => [client.address, client.name]),
    ...routers.map((router) => [router.overlay, router.name]),
  ];
}

export interface GuestFiles {
  hostsFileOf(site: Site | undefined): string;
  readonly resolvFile: string;
}

export function writeGuestFiles(files: LabFiles, topology: Topology): GuestFiles {
  const dir = path.join(files.stateDir, 'hosts');
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  mkdirSync(files.socketDir, { recursive: true, mode: 0o700 });
  const hostsFileOf = (site: Site | undefined): string => path.join(dir, `${site ?? 'carrier'}.hosts`);
  const sites = new Set(topology.clients.map((client) => client.site));
  for (const site of [...sites, undefined]) writeFileSync(hostsFileOf(site), hostsFile(topology, site));
  const resolvFile = path.join(dir, 'resolv.conf');
  writeFileSync(resolvFile, 'nameserver 127.0.0.1\noptions timeout:1 attempts:1\n'); // refused at once, instead of a wait for nobody
  writePrograms(files);
  return { hostsFileOf, resolvFile };
}

/** `routerctl` and `routerd` of this checkout, by name, in every machine. */
function writePrograms(files: LabFiles): void {
  mkdirSync(files.binDir, { recursive: true });
  for (const program of ['routerd', 'routerctl']) {
    const file = path.join(files.binDir, program);
    const main = path.join(CHECKOUT, 'packages', program, 'src', 'main.ts');
    writeFileSync(
      file,
      `#!/bin/sh\nNODE_COMPILE_CACHE='${files.compileCacheDir}' exec '${process.execPath}' '${main}' "$@"\n`,
    );
    chmodSync(file, 0o755);
  }
}
