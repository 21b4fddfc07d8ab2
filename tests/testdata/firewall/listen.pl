# Answers at a port of every address, over TCP and UDP, IPv4 and IPv6: listen.pl PORT...
use strict;
use warnings;
use IO::Select;
use IO::Socket::IP;
use Socket qw(SOCK_DGRAM SOCK_STREAM);

$| = 1;
$SIG{PIPE} = "IGNORE";
my (%tcp, $all);
$all = IO::Select->new;
for my $port (@ARGV) {
  for my $host ("0.0.0.0", "::") {
    my %common = (LocalHost => $host, LocalPort => $port, ReuseAddr => 1, V6Only => 1);
    my $tcp = IO::Socket::IP->new(%common, Type => SOCK_STREAM, Listen => 64) or die "$host $port: $@";
    my $udp = IO::Socket::IP->new(%common, Type => SOCK_DGRAM) or die "$host $port: $@";
    $tcp{$tcp} = 1;
    $all->add($tcp, $udp);
  }
}
print "ready\n";
while (1) {
  for my $socket ($all->can_read) {
    if ($tcp{$socket}) {
      my $peer = $socket->accept or next;
      syswrite $peer, "hi\n";
      close $peer;
    } else {
      defined(my $from = $socket->recv(my $text, 64)) or next;
      $socket->send("hi\n", 0, $from);
    }
  }
}
