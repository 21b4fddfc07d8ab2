/**
 * Where clouds tell every machine its secrets, from their documentation of today: 169.254.169.254
 * of AWS, Google Cloud, Azure, OpenStack, Oracle, DigitalOcean and Hetzner; fd00:ec2::254 of AWS over
 * IPv6; 100.100.100.200 of Alibaba; 168.63.129.16, the wire server of Azure; 169.254.170.2 of tasks
 * of AWS ECS; 169.254.170.23 of pods of AWS EKS.
 */
export const METADATA_ADDRESSES: readonly string[] = [
  "169.254.169.254",
  "fd00:ec2::254",
  "100.100.100.200",
  "168.63.129.16",
  "169.254.170.2",
  "169.254.170.23",
];

/**
 * What rules refuse besides: fd00:ec2::23 of pods of AWS EKS and fd20:ce::254 of Google Cloud, both
 * over IPv6; and all that is on the link alone (RFC 3927, RFC 4291, 2.5.6), where other clouds have
 * theirs, and where no worker has any business.
 */
export const MORE_METADATA_RANGES: readonly string[] = [
  "fd00:ec2::23",
  "fd20:ce::254",
  "169.254.0.0/16",
  "fe80::/10",
];
