# Fetches all letters into a folder and deletes them: MODULE WAY MECHANISM PORT CA USER PASSWORD FOLDER.
use strict;
use warnings;

my ($module, $way, $mechanism, $port, $ca, $user, $password, $folder) = @ARGV;
my @tls = (SSL_ca_file => $ca, SSL_verifycn_name => 'localhost');
eval "require $module; 1" or die $@;
$module eq 'Net::POP3' ? net_pop3() : mail_pop3client();

sub store {
	my ($n, @lines) = @_;
	open my $out, '>', "$folder/$n" or die $!;
	print $out @lines;
	close $out or die $!;
}

sub net_pop3 {
	my $pop = Net::POP3->new('localhost', Port => $port, Timeout => 60, $way eq 'implicit' ? (SSL => 1, @tls) : ()) or die "connect: $@";
	$way ne 'starttls' or $pop->starttls(@tls) or die 'STLS: ', $pop->message;
	defined($mechanism eq 'APOP' ? $pop->apop($user, $password) : $pop->login($user, $password)) or die 'login: ', $pop->message;
	for my $n (sort { $a <=> $b } keys %{$pop->list}) {
		my $lines = $pop->get($n) or die $pop->message;
		store($n, @$lines);
		$pop->delete($n) or die $pop->message;
	}
	$pop->quit or die $pop->message;
}

# It knows no STLS.
sub mail_pop3client {
	my $pop = Mail::POP3Client->new(AUTH_MODE => $mechanism eq 'USER' ? 'PASS' : $mechanism, HOST => 'localhost', PORT => $port);
	$pop->User($user);
	$pop->Pass($password);
	if ($way eq 'implicit') {
		require IO::Socket::SSL;
		my $socket = IO::Socket::SSL->new(PeerAddr => 'localhost', PeerPort => $port, Proto => 'tcp', @tls) or die $IO::Socket::SSL::SSL_ERROR;
		$pop->Socket($socket);
	}
	$pop->Connect or die 'login: ', $pop->Message;
	for my $n (1 .. $pop->Count) {
		my $text = $pop->Retrieve($n);
		defined $text or die $pop->Message;
		store($n, $text);
		$pop->Delete($n) or die $pop->Message;
	}
	$pop->Close or die $pop->Message;
}
