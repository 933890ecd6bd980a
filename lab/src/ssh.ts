/** Real OpenSSH between the clients: one host key and one user key per lab. */
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { runCommand } from '@routerd/runtime';
import { outputOf } from './lab-fault.ts';
import type { LabFiles } from './lab-files.ts';

export interface SshFiles {
  readonly serverConfig: string;
  readonly clientConfig: string;
}

export async function writeSshFiles(files: LabFiles): Promise<SshFiles> {
  const dir = path.join(files.stateDir, 'ssh');
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const at = (name: string): string => path.join(dir, name);
  const keygen = async (name: string): Promise<void> =>
    void outputOf(await runCommand(['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-f', at(name)]), 'ssh-keygen');
  await Promise.all([keygen('host'), keygen('id')]);
  copyFileSync(at('id.pub'), at('authorized_keys'));
  writeFileSync(at('sshd_config'), serverConfig(at('host'), at('authorized_keys')));
  writeFileSync(at('ssh_config'), clientConfig(at('id')));
  return { serverConfig: at('sshd_config'), clientConfig: at('ssh_config') };
}

export function sshFiles(files: LabFiles): SshFiles {
  const dir = path.join(files.stateDir, 'ssh');
  return { serverConfig: path.join(dir, 'sshd_config'), clientConfig: path.join(dir, 'ssh_config') };
}

export function sshServer(ssh: SshFiles): readonly string[] {
  return ['/usr/sbin/sshd', '-D', '-e', '-f', ssh.serverConfig];
}

function serverConfig(hostKey: string, authorizedKeys: string): string {
  return `Port 22
HostKey ${hostKey}
PidFile none
AuthorizedKeysFile ${authorizedKeys}
StrictModes no
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
UseDNS no
PrintMotd no
PrintLastLog no
X11Forwarding no
MaxStartups 100:30:200
Subsystem sftp internal-sftp
`;
}

/** curve25519 keeps a connection at 160 ms; the post-quantum default costs 100 ms more and proves nothing here. */
function clientConfig(identity: string): string {
  return `Host *
  User root
  IdentityFile ${identity}
  IdentitiesOnly yes
  BatchMode yes
  StrictHostKeyChecking no
  UserKnownHostsFile /dev/null
  GlobalKnownHostsFile /dev/null
  GSSAPIAuthentication no
  LogLevel ERROR
  ConnectTimeout 5
  ServerAliveInterval 5
  KexAlgorithms curve25519-sha256
  Ciphers aes128-gcm@openssh.com,chacha20-poly1305@openssh.com
`;
}
