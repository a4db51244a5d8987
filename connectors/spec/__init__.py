"""What a source file may say, checked whole before anything touches the network."""

from connectors.spec.auth import (
    ApiKey,
    Auth,
    Basic,
    Bearer,
    MutualTls,
    OAuth2ClientCredentials,
    SessionLogin,
    SignedRequest,
)
from connectors.spec.base import DottedPath, Strict, Title, UrlPath, Variable, variables_in
from connectors.spec.connection import (
    Connection,
    DatabaseConnection,
    FolderConnection,
    Limits,
    RestConnection,
    SftpConnection,
)
from connectors.spec.dataset import Column, Dataset, PartWithinWhole, Source
from connectors.spec.decoding import (
    CsvDecoder,
    Decoder,
    Encoding,
    JsonDecoder,
    JsonLinesDecoder,
    ParquetDecoder,
    Trailer,
    XlsxDecoder,
    XmlDecoder,
)
from connectors.spec.paging import (
    CursorInBody,
    CursorInHeader,
    Keyset,
    LinkHeader,
    NextLink,
    Offset,
    PageNumber,
    Paginator,
    SinglePage,
    TimeWindow,
    TokenInPost,
)
from connectors.spec.request import (
    Answered,
    DatabaseRequest,
    FileRequest,
    Flag,
    Manifest,
    Partition,
    ReportJob,
    Request,
    RestRequest,
    Since,
    SinceColumn,
    StableSize,
)
from connectors.spec.watch import (
    Deletes,
    Drift,
    Freshness,
    NoGap,
    ReplaceBy,
    SchemaContract,
    Shrink,
    Tombstone,
    Unwatched,
    ValidTime,
    Volume,
)

__all__ = [
    "Answered", "ApiKey", "Auth", "Basic", "Bearer", "Column", "Connection", "CsvDecoder", "CursorInBody",
    "CursorInHeader", "DatabaseConnection", "DatabaseRequest", "Dataset", "Decoder", "Deletes", "DottedPath", "Drift",
    "Encoding", "FileRequest", "Flag", "FolderConnection", "Freshness", "JsonDecoder", "JsonLinesDecoder", "Keyset",
    "Limits", "LinkHeader", "Manifest", "MutualTls", "NextLink", "NoGap", "OAuth2ClientCredentials", "Offset",
    "PageNumber", "Paginator", "ParquetDecoder", "PartWithinWhole", "Partition", "ReplaceBy", "ReportJob", "Request",
    "RestConnection", "RestRequest", "SchemaContract", "SessionLogin", "SftpConnection", "Shrink", "SignedRequest",
    "Since", "SinceColumn", "SinglePage", "Source", "StableSize", "Strict", "TimeWindow", "Title", "TokenInPost",
    "Tombstone", "Trailer", "Unwatched", "UrlPath", "ValidTime", "Variable", "Volume", "XlsxDecoder", "XmlDecoder",
    "variables_in",
]
