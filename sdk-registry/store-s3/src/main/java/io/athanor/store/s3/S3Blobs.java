package io.athanor.store.s3;

import io.athanor.api.common.AtomicFile;
import io.athanor.api.common.Digest;
import io.athanor.api.common.Secret;
import io.athanor.api.error.OutcomeUnknownException;
import io.athanor.api.error.StorageException;
import io.athanor.api.registry.BlobStore;
import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.AwsCredentialsProvider;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.awscore.retry.AwsRetryStrategy;
import software.amazon.awssdk.core.checksums.RequestChecksumCalculation;
import software.amazon.awssdk.core.checksums.ResponseChecksumValidation;
import software.amazon.awssdk.core.exception.SdkException;
import software.amazon.awssdk.core.sync.RequestBody;
import software.amazon.awssdk.http.urlconnection.UrlConnectionHttpClient;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.s3.S3Client;
import software.amazon.awssdk.services.s3.S3ClientBuilder;
import software.amazon.awssdk.services.s3.S3Configuration;
import software.amazon.awssdk.services.s3.model.NoSuchKeyException;
import software.amazon.awssdk.services.s3.model.S3Object;

/**
 * Contents in a bucket of Amazon S3, or of any server that speaks its protocol, as objects {@code
 * <prefix>sha256/ab/<digest>}. Thread-safe.
 *
 * <p>After each upload the object is read back and its length and SHA-256 compared, whatever the
 * server claims; one that differs is deleted and the upload fails. Large contents go up in parts;
 * when the same content is put again after an interruption, the parts that arrived are not sent
 * again. Downloads that break off go on where they stopped. Requests the server answers with an
 * error of its own (5xx), turns away for their number, or does not answer at all are repeated, with
 * growing pauses.
 *
 * <p>The credentials need {@code s3:GetObject}, {@code s3:PutObject}, {@code s3:DeleteObject},
 * {@code s3:AbortMultipartUpload}, {@code s3:ListMultipartUploadParts} for the objects, and {@code
 * s3:ListBucket}, {@code s3:ListBucketMultipartUploads} for the bucket.
 */
public final class S3Blobs implements BlobStore {
  private static final int MOST_RIVALS = 8;
  private static final Pattern NAME = Pattern.compile("sha256/[0-9a-f]{2}/([0-9a-f]{64})");

  private final Bucket bucket;
  private final String prefix;
  private final long partBytes;
  private final boolean readBack;
  private final Download download;
  private final boolean ownClient;

  private S3Blobs(Builder builder, S3Client client, boolean ownClient) {
    this.bucket = new Bucket(client, builder.bucket);
    this.prefix = builder.prefix;
    this.partBytes = builder.partBytes;
    this.readBack = builder.readBack;
    this.download = new Download(bucket, builder.attempts);
    this.ownClient = ownClient;
  }

  /**
   * Begins to name the place.
   *
   * @param bucket exists already
   */
  public static Builder in(String bucket) {
    return new Builder(bucket);
  }

  /** Where the store is and how to talk to it. Not thread-safe. */
  public static final class Builder {
    private static final long LEAST_PART = 5L << 20;
    private static final long MOST_PART = 5L << 30;

    private final String bucket;
    private String prefix = "";
    private @Nullable URI endpoint;
    private Region region = Region.US_EAST_1;
    private @Nullable AwsCredentialsProvider credentials;
    private @Nullable S3Client client;
    private long partBytes = 16L << 20;
    private int attempts = 5;
    private Duration silence = Duration.ofSeconds(60);
    private boolean readBack = true;

    private Builder(String bucket) {
      if (bucket.isBlank()) {
        throw new IllegalArgumentException("bucket must not be blank");
      }
      this.bucket = bucket;
    }

    /** What the keys of all objects begin with, for example {@code "models/"}; none unless set. */
    public Builder prefix(String text) {
      this.prefix = text;
      return this;
    }

    /**
     * The server, where it is not Amazon's, for example {@code "https://s3.example.org"}. The
     * bucket is then part of the path, not of the host's name.
     */
    public Builder endpoint(URI server) {
      if (server.getHost() == null || server.getUserInfo() != null) {
        throw new IllegalArgumentException(
            "server must have a host and no credentials; give those to credentials(..)");
      }
      this.endpoint = server;
      return this;
    }

    /** The region, for example {@code "eu-central-1"}; {@code us-east-1} unless set. */
    public Builder region(String name) {
      this.region = Region.of(name);
      return this;
    }

    /**
     * Who asks. Unless set, what AWS's library finds: environment, system properties, profile, or
     * the machine's role.
     */
    public Builder credentials(String accessKey, Secret secretKey) {
      this.credentials =
          StaticCredentialsProvider.create(
              AwsBasicCredentials.create(accessKey, secretKey.reveal()));
      return this;
    }

    /**
     * A client of your own, for all that this builder has no name for. It stays yours to close, and
     * endpoint, region, credentials, attempts and silence are what it was made with.
     */
    public Builder client(S3Client own) {
      this.client = own;
      return this;
    }

    /**
     * Contents larger than this go up in parts of this size, or larger ones if there would be more
     * than 10,000; 16 MiB unless set.
     *
     * @param bytes from 5 MiB to 5 GiB
     */
    public Builder parts(long bytes) {
      if (bytes < LEAST_PART || bytes > MOST_PART) {
        throw new IllegalArgumentException("bytes must be from 5 MiB to 5 GiB, got " + bytes);
      }
      this.partBytes = bytes;
      return this;
    }

    /** How often a request is sent before giving up; 5 unless set. */
    public Builder attempts(int count) {
      if (count < 1) {
        throw new IllegalArgumentException("count must be at least 1, got " + count);
      }
      this.attempts = count;
      return this;
    }

    /** How long the server may say nothing before a request is repeated; a minute unless set. */
    public Builder silence(Duration most) {
      if (most.isNegative() || most.isZero()) {
        throw new IllegalArgumentException("most must be positive, got " + most);
      }
      this.silence = most;
      return this;
    }

    /**
     * Does not read contents back after uploads, which halves the traffic. Then only the length is
     * compared; that the bytes are right is the server's word, given by checking the MD5 that each
     * request carries. Servers exist that do not check and store something else; registries notice
     * that when they read.
     */
    public Builder trustServer() {
      this.readBack = false;
      return this;
    }

    /**
     * Gives the store. No request is sent.
     *
     * @throws StorageException if AWS's library cannot make a client of these settings
     */
    public S3Blobs build() {
      if (client != null) {
        return new S3Blobs(this, client, false);
      }
      try {
        return new S3Blobs(this, newClient(), true);
      } catch (SdkException e) {
        throw new StorageException("s3://" + bucket, "no client can be made (" + e + ")", e);
      }
    }

    private S3Client newClient() {
      S3ClientBuilder made =
          S3Client.builder()
              .region(region)
              .httpClientBuilder(
                  UrlConnectionHttpClient.builder()
                      .connectionTimeout(silence)
                      .socketTimeout(silence))
              .requestChecksumCalculation(RequestChecksumCalculation.WHEN_REQUIRED)
              .responseChecksumValidation(ResponseChecksumValidation.WHEN_REQUIRED)
              .serviceConfiguration(
                  S3Configuration.builder()
                      .chunkedEncodingEnabled(false)
                      .pathStyleAccessEnabled(endpoint != null)
                      .build())
              .overrideConfiguration(
                  all ->
                      all.retryStrategy(
                          AwsRetryStrategy.standardRetryStrategy().toBuilder()
                              .maxAttempts(attempts)
                              .build()));
      if (credentials != null) {
        made.credentialsProvider(credentials);
      }
      if (endpoint != null) {
        made.endpointOverride(endpoint);
      }
      return made.build();
    }
  }

  private String key(Digest name) {
    return prefix + "sha256/" + name.hex().substring(0, 2) + "/" + name.hex();
  }

  @Override
  public void put(Digest name, Path file) {
    String key = key(name);
    LocalContent content = LocalContent.of(file);
    for (int rival = 0; rival < MOST_RIVALS; rival++) {
      String tag;
      try {
        tag = send(key, content);
      } catch (SdkException e) {
        requireStoredAfterAll(key, content, e);
        return;
      }
      Download.Held held = download.compare(key, content, readBack);
      if (held.same()) {
        return;
      }
      if (held.tag().equals(tag)) {
        break;
      }
      // Somebody has put other bytes under the name since; the last to put must find its own.
    }
    throw refuse(key, content);
  }

  private String send(String key, LocalContent content) {
    if (content.bytes() > partBytes) {
      return new PartedUpload(bucket, key, content, partBytes).run();
    }
    return bucket
        .client()
        .putObject(
            request ->
                request.bucket(bucket.name()).key(key).contentMD5(content.md5(0, content.bytes())),
            RequestBody.fromFile(content.file()))
        .eTag();
  }

  /** A server that fell silent may have done what was asked before. */
  private void requireStoredAfterAll(String key, LocalContent content, SdkException failure) {
    if (!Bucket.isSilence(failure)) {
      throw bucket.failure(key, failure);
    }
    boolean stored;
    try {
      stored = download.compare(key, content, true).same();
    } catch (StorageException e) {
      failure.addSuppressed(e);
      throw new OutcomeUnknownException(
          bucket.place(key)
              + ": the server stopped answering while the content was stored ("
              + Bucket.describe(failure)
              + "). Nobody can tell whether it is; storing it again is safe",
          failure);
    }
    if (!stored) {
      throw bucket.failure(key, failure);
    }
  }

  private StorageException refuse(String key, LocalContent content) {
    StorageException lie =
        new StorageException(
            bucket.place(key),
            "the server accepted "
                + content.bytes()
                + " bytes with digest "
                + content.digest()
                + " and holds something else. It was deleted; do not use this server, or find out"
                + " what changes uploads on the way to it");
    try {
      bucket.client().deleteObject(request -> request.bucket(bucket.name()).key(key));
    } catch (SdkException e) {
      lie.addSuppressed(e);
    }
    return lie;
  }

  @Override
  public void get(Digest name, Path target) {
    AtomicFile.write(target, channel -> download.run(key(name), name, channel));
  }

  @Override
  public boolean has(Digest name) {
    String key = key(name);
    try {
      bucket.client().headObject(request -> request.bucket(bucket.name()).key(key));
      return true;
    } catch (NoSuchKeyException e) {
      return false;
    } catch (SdkException e) {
      throw bucket.failure(key, e);
    }
  }

  @Override
  public void delete(Digest name) {
    String key = key(name);
    try {
      bucket.client().deleteObject(request -> request.bucket(bucket.name()).key(key));
    } catch (SdkException e) {
      if (Bucket.isSilence(e)) {
        throw new OutcomeUnknownException(
            bucket.place(key)
                + ": the server stopped answering while the content was deleted ("
                + Bucket.describe(e)
                + "). Ask whether it is still there",
            e);
      }
      throw bucket.failure(key, e);
    }
  }

  @Override
  public List<Stored> list() {
    List<Stored> found = new ArrayList<>();
    try {
      for (S3Object object :
          bucket
              .client()
              .listObjectsV2Paginator(
                  request -> request.bucket(bucket.name()).prefix(prefix + "sha256/"))
              .contents()) {
        var name = NAME.matcher(object.key().substring(prefix.length()));
        if (name.matches()) {
          found.add(new Stored(new Digest(name.group(1)), object.size(), object.lastModified()));
        }
      }
    } catch (SdkException e) {
      throw bucket.failure(prefix, e);
    }
    found.sort(Comparator.comparing(stored -> stored.name().hex()));
    return found;
  }

  @Override
  public int removeStale(Instant before) {
    try {
      return PartedUpload.abortStale(bucket, prefix + "sha256/", before);
    } catch (SdkException e) {
      throw bucket.failure(prefix, e);
    }
  }

  /** Names the bucket. */
  @Override
  public String toString() {
    return bucket.place(prefix);
  }

  @Override
  public void close() {
    if (ownClient) {
      bucket.client().close();
    }
  }
}
