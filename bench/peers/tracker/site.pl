# Request Tracker as its documentation installs it: everything by default but where it is, where its
# database is, and the full-text index, which its own tool has made and named here. Mail goes into a file.
Set( $rtname,           'bench' );
Set( $Organization,     'example.org' );
Set( $WebDomain,        '127.0.0.1' );
Set( $WebPort,          $ENV{PEERS_PORT} );
Set( $DatabaseType,     'Pg' );
Set( $DatabaseHost,     $ENV{PGHOST} );
Set( $DatabasePort,     $ENV{PGPORT} || '' );
Set( $DatabaseUser,     $ENV{PGUSER} );
Set( $DatabasePassword, $ENV{PGPASSWORD} || '' );
Set( $DatabaseAdmin,    $ENV{PGUSER} );
Set( $DatabaseName,     $ENV{PGDATABASE} );
Set( $MailCommand,      'testfile' );
Set( $LogToSyslog,      undef );
Set( $LogToSTDERR,      'warning' );
Set( %FullTextSearch, Enable => 1, Indexed => $ENV{PEERS_INDEXED}, Column => 'ContentIndex', Table => 'AttachmentsIndex' );
$RT::MasonDataDir    = "$ENV{PEERS_FOLDER}/mason";
$RT::MasonSessionDir = "$ENV{PEERS_FOLDER}/sessions";
$RT::VarPath         = $ENV{PEERS_FOLDER};
1;
