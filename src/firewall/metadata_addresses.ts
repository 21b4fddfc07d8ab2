/**
 * Where clouds tell every machine its secrets, from their documentation of today: 169.254.169.254 of
 * AWS, Google Cloud (`metadata.google.internal`), Azure, OpenStack, Oracle, DigitalOcean, Hetzner and
 * most others; over IPv6 fd00:ec2::254 of AWS, fd20:ce::254 of Google Cloud, fd00:c1::a9fe:a9fe of
 * Oracle and fd00:a9fe:a9fe::1 of Akamai; 100.100.100.200 and fd00:100::100:200 of Alibaba;
 * 168.63.129.16, the wire server of Azure; 169.254.170.2 of tasks of AWS ECS; 169.254.170.23 and
 * fd00:ec2::23 of pods of AWS EKS; 169.254.42.42 and fd00:42::42 of Scaleway; 169.254.0.23 of Tencent.
 */
export const METADATA_ADDRESSES: readonly string[] = [
  "169.254.169.254",
  "fd00:ec2::254",
  "fd20:ce::254",
  "fd00:c1::a9fe:a9fe",
  "fd00:a9fe:a9fe::1",
  "100.100.100.200",
  "fd00:100::100:200",
  "168.63.129.16",
  "169.254.170.2",
  "169.254.170.23",
  "fd00:ec2::23",
  "169.254.42.42",
  "fd00:42::42",
  "169.254.0.23",
];

/**
 * What rules refuse besides: all that is on the link alone (RFC 3927, RFC 4291, 2.5.6), where other
 * clouds have theirs, fe80::a9fe:a9fe of OpenStack among them, and where no worker has any business.
 */
export const MORE_METADATA_RANGES: readonly string[] = ["169.254.0.0/16", "fe80::/10"];
