# Says for each target whether anybody answers there: reach.pl PROTOCOL,ADDRESS,PORT...
# Protocols: tcp, udp, broadcast (udp), mptcp, fastopen (tcp).
use strict;
use warnings;
use Errno;
use IO::Select;
use Socket qw(:all);

my $WAIT_S = 2;
my $IPPROTO_MPTCP = 262;       # linux/in.h
my $MSG_FASTOPEN = 0x20000000; # linux/socket.h

$| = 1;
for my $target (@ARGV) {
  my ($protocol, $address, $port) = split /,/, $target;
  print "$target ", reach($protocol, $address, $port), "\n";
}

sub reach {
  my ($protocol, $host, $port) = @_;
  my ($error, $info) = getaddrinfo($host, $port, { flags => AI_NUMERICHOST, socktype => SOCK_STREAM });
  return "error $error" if $error;
  my $isDatagram = $protocol =~ /^(?:udp|broadcast)$/;
  my $number = $protocol eq "mptcp" ? $IPPROTO_MPTCP : 0;
  socket(my $socket, $info->{family}, $isDatagram ? SOCK_DGRAM : SOCK_STREAM, $number)
    or return "error socket $!";
  setsockopt($socket, SOL_SOCKET, SO_BROADCAST, 1) or return "error broadcast $!";
  $socket->blocking(0);
  my $all = IO::Select->new($socket);
  if ($protocol eq "fastopen" || $isDatagram) {
    my $flags = $isDatagram ? 0 : $MSG_FASTOPEN;
    my $sent = send($socket, "x", $flags, $info->{addr});
    return problem($!) unless defined $sent || $!{EINPROGRESS};
  } elsif (!connect($socket, $info->{addr}) && !$!{EINPROGRESS}) {
    return problem($!);
  }
  if (!$isDatagram) {
    return "timeout" unless $all->can_write($WAIT_S);
    $! = unpack("i", getsockopt($socket, SOL_SOCKET, SO_ERROR));
    return problem($!) if $!;
  }
  return "timeout" unless $all->can_read($WAIT_S);
  return problem($!) unless defined recv($socket, my $text, 8, 0);
  return $text eq "hi\n" ? "answered" : "error text";
}

sub problem {
  my ($error) = @_;
  return "refused" if $!{ECONNREFUSED} || $!{EPERM};
  return "error $error";
}
