/** What the clouds have in common for whoever runs them. */
import type { CloudConfig } from './cloud-config.ts';
import type { ControlPlane } from './control-plane.ts';
import { AwsMetadataService } from './aws/imds.ts';
import { CredentialStore } from './aws/credentials.ts';
import { Ec2Api } from './aws/ec2-api.ts';
import { eventOf } from './aws/events.ts';
import { SqsApi } from './aws/sqs-api.ts';
import { ArmApi } from './azure/arm-api.ts';
import { AzureMetadataService } from './azure/imds.ts';
import { NicStore } from './azure/nic-store.ts';
import { resourceEventOf } from './azure/resource-events.ts';
import { NAMESPACE_HOST, ServiceBusApi } from './azure/service-bus-api.ts';
import { TokenAuthority } from './azure/tokens.ts';
import { AccessTokens } from './gcp/access-tokens.ts';
import { entryOf } from './gcp/audit-log.ts';
import { ComputeApi } from './gcp/compute-api.ts';
import { InstanceStore } from './gcp/instance-store.ts';
import { GcpMetadataServer } from './gcp/metadata-server.ts';
import { PubsubApi } from './gcp/pubsub-api.ts';
import { cloudEventOf } from './oci/cloud-events.ts';
import { FederationService } from './oci/federation.ts';
import { issueIdentities } from './oci/identities.ts';
import { OciMetadataService } from './oci/imds.ts';
import { NewsStream } from './oci/news-stream.ts';
import { OciApi } from './oci/oci-api.ts';
import { PrivateIpStore } from './oci/private-ips.ts';
import { RequestSigners } from './oci/request-signers.ts';
import { STREAMING_CELL, StreamingApi } from './oci/streaming-api.ts';
import { NewsDesk, routerQueues } from './news-desk.ts';
import type { Service } from './wire.ts';

export interface Vendor {
  readonly api: Service;
  readonly metadata: Service;
  /** Where its news are read, by the first words of the host's name. */
  readonly queue: { readonly host: string; readonly service: Service; readonly desk: NewsDesk };
  etagOf(nicId: string): string | undefined;
}

export interface VendorParts {
  readonly plane: ControlPlane;
  /** Addresses that the fabric brings to a device now. */
  readonly reached: (device: string) => readonly string[];
  /** Calls back after each change of the fabric. @returns what ends that */
  readonly onFabricChange: (listener: () => void) => () => void;
}

export async function createVendor(config: CloudConfig, parts: VendorParts): Promise<Vendor> {
  switch (config.cloud) {
    case 'aws': {
      const credentials = new CredentialStore(parts.plane.clock);
      const queues = routerQueues(parts.plane);
      const desk = new NewsDesk(parts.plane, eventOf(parts.plane), queues.values());
      return {
        api: new Ec2Api(parts.plane, credentials),
        metadata: new AwsMetadataService({ ...parts, credentials }),
        queue: { host: 'sqs.', service: new SqsApi(parts.plane, credentials, queues), desk },
        etagOf: () => undefined, // EC2 has no conditional writes
      };
    }
    case 'azure': {
      const tokens = await TokenAuthority.create(parts.plane.clock, config.account);
      const store = new NicStore(parts.plane);
      const queues = routerQueues(parts.plane);
      const desk = new NewsDesk(parts.plane, resourceEventOf(parts.plane), queues.values());
      return {
        api: new ArmApi({ plane: parts.plane, tokens, store }),
        metadata: new AzureMetadataService({ ...parts, tokens }),
        queue: { host: NAMESPACE_HOST, service: new ServiceBusApi(parts.plane, tokens, queues), desk },
        etagOf: (nicId) => {
          const nic = parts.plane.space.nics.get(nicId);
          return nic === undefined ? undefined : store.context(nic).etag;
        },
      };
    }
    case 'gcp': {
      const tokens = new AccessTokens(parts.plane.clock);
      const store = new InstanceStore(parts.plane);
      const queues = routerQueues(parts.plane);
      const desk = new NewsDesk(parts.plane, entryOf(parts.plane), queues.values());
      return {
        api: new ComputeApi({ plane: parts.plane, tokens, store }),
        metadata: new GcpMetadataServer({ ...parts, tokens }),
        queue: { host: 'pubsub.', service: new PubsubApi(parts.plane, tokens, queues), desk },
        etagOf: (nicId) => {
          const nic = parts.plane.space.nics.get(nicId);
          return nic === undefined ? undefined : store.fingerprints(nic).nic;
        },
      };
    }
    case 'oci': {
      const { root, instances } = await issueIdentities(config);
      const store = new PrivateIpStore(parts.plane);
      const federation = await FederationService.create(parts.plane, root);
      const signers = new RequestSigners(parts.plane, federation);
      const stream = new NewsStream(parts.plane.clock);
      const desk = new NewsDesk(parts.plane, cloudEventOf(parts.plane), [stream]);
      return {
        api: new OciApi({ plane: parts.plane, federation, signers, store }),
        metadata: new OciMetadataService({ plane: parts.plane, identities: instances }),
        queue: { host: STREAMING_CELL, service: new StreamingApi(parts.plane, signers, stream), desk },
        etagOf: (nicId) => store.vnic(nicId)?.etag,
      };
    }
  }
}
