import { renderHubConfig } from '@routerd/federation';
import type { NodeName } from '@routerd/resources';
import { describe, expect, it } from 'vitest';
import type { GroupName } from '../src/subjects.ts';

const options = {
  group: 'demo' as GroupName,
  serverName: 'hub-1',
  listen: { host: '198.51.100.53', port: 4222 },
  storeDir: '/var/lib/routerd-hub',
  tls: { certFile: '/etc/hub/cert.pem', keyFile: '/etc/hub/key.pem', caFile: '/etc/hub/ca.pem' },
  operator: 'UOPERATOR',
  nodes: new Map([
    ['onprem-a' as NodeName, 'UONPREMA'],
    ['aws-a' as NodeName, 'UAWSA'],
  ]),
};

describe('the configuration of a hub', () => {
  it('lets each node do what it must, and no more', () => {
    expect(renderHubConfig(options)).toMatchSnapshot();
  });

  it('is the same whatever the order of the nodes', () => {
    const reversed = new Map([...options.nodes].toReversed());
    expect(renderHubConfig({ ...options, nodes: reversed })).toBe(renderHubConfig(options));
  });

  it('lets hubs join by certificate only', () => {
    const cluster = {
      listen: { host: '198.51.100.53', port: 6222 },
      routes: ['tls://hub-3.example.net:6222', 'tls://hub-2.example.net:6222'],
    };
    const text = renderHubConfig({ ...options, cluster });
    expect(text.slice(text.indexOf('cluster {'), text.indexOf('authorization {'))).toMatchSnapshot();
  });

  it('quotes what it is given', () => {
    const text = renderHubConfig({ ...options, storeDir: '/var/lib/"odd" folder' });
    expect(text).toContain('store_dir: "/var/lib/\\"odd\\" folder"');
  });
});
