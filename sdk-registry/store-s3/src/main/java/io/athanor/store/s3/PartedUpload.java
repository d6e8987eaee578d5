package io.athanor.store.s3;

import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import software.amazon.awssdk.core.exception.SdkException;
import software.amazon.awssdk.core.sync.RequestBody;
import software.amazon.awssdk.services.s3.model.CompletedPart;
import software.amazon.awssdk.services.s3.model.MultipartUpload;
import software.amazon.awssdk.services.s3.model.Part;

/**
 * The upload of one file in parts. An unfinished upload of the same object is gone on with if its
 * first part has the file's bytes, which a part's tag tells; its other parts are used as far as
 * theirs do. So a second process that stores the same content at the same time may join: the parts
 * are the same whoever sends them.
 */
final class PartedUpload {
  private static final Logger LOG = LoggerFactory.getLogger(PartedUpload.class);
  private static final int MOST_PARTS = 10_000;
  private static final long MEBI = 1L << 20;
  private static final String VANISHED = "NoSuchUpload";

  private final Bucket bucket;
  private final String key;
  private final LocalContent content;
  private final long partBytes;

  PartedUpload(Bucket bucket, String key, LocalContent content, long leastPartBytes) {
    this.bucket = bucket;
    this.key = key;
    this.content = content;
    long needed = content.bytes() / MOST_PARTS + 1;
    this.partBytes = Math.max(leastPartBytes, (needed / MEBI + 1) * MEBI);
  }

  /** An upload that was begun, and the parts that arrived. */
  private record Begun(String id, Map<Integer, Part> parts) {}

  /** Uploads what is missing, ends the upload, and gives the object's tag. */
  String run() {
    Optional<Begun> unfinished = unfinished();
    try {
      return run(unfinished.orElseGet(this::begin));
    } catch (SdkException e) {
      if (unfinished.isEmpty() || !Bucket.hasCode(e, VANISHED)) {
        throw e;
      }
      // Whoever else was at it has ended it, or garbage collection has.
      return run(begin());
    }
  }

  private String run(Begun upload) {
    List<CompletedPart> all = new ArrayList<>();
    int sent = 0;
    for (int number = 1; from(number) < content.bytes(); number++) {
      Part there = upload.parts().get(number);
      String tag;
      if (there != null && matches(there)) {
        tag = there.eTag();
      } else {
        tag = send(upload.id(), number);
        sent++;
      }
      all.add(CompletedPart.builder().partNumber(number).eTag(tag).build());
    }
    LOG.debug("{}: sent {} of {} parts", bucket.place(key), sent, all.size());
    return bucket
        .client()
        .completeMultipartUpload(
            request ->
                request
                    .bucket(bucket.name())
                    .key(key)
                    .uploadId(upload.id())
                    .multipartUpload(parts -> parts.parts(all)))
        .eTag();
  }

  private Begun begin() {
    return new Begun(
        bucket
            .client()
            .createMultipartUpload(request -> request.bucket(bucket.name()).key(key))
            .uploadId(),
        Map.of());
  }

  private Optional<Begun> unfinished() {
    return uploads(bucket, key).stream()
        .filter(upload -> upload.key().equals(key))
        .sorted(Comparator.comparing(MultipartUpload::initiated).reversed())
        .map(upload -> new Begun(upload.uploadId(), byNumber(upload)))
        .filter(begun -> begun.parts().containsKey(1) && matches(begun.parts().get(1)))
        .findFirst();
  }

  private Map<Integer, Part> byNumber(MultipartUpload upload) {
    Map<Integer, Part> parts = new HashMap<>();
    parts(bucket, upload).forEach(part -> parts.put(part.partNumber(), part));
    return parts;
  }

  private boolean matches(Part part) {
    long from = from(part.partNumber());
    return from < content.bytes()
        && part.size() == length(part.partNumber())
        && part.eTag().replace("\"", "").equals(content.md5Hex(from, part.size()));
  }

  private String send(String id, int number) {
    long from = from(number);
    long length = length(number);
    return bucket
        .client()
        .uploadPart(
            request ->
                request
                    .bucket(bucket.name())
                    .key(key)
                    .uploadId(id)
                    .partNumber(number)
                    .contentMD5(content.md5(from, length)),
            RequestBody.fromContentProvider(
                () -> content.open(from, length), length, "application/octet-stream"))
        .eTag();
  }

  private long from(int number) {
    return (number - 1) * partBytes;
  }

  private long length(int number) {
    return Math.min(partBytes, content.bytes() - from(number));
  }

  /**
   * Ends uploads in which nothing has happened for long.
   *
   * @return how many
   */
  static int abortStale(Bucket bucket, String prefix, Instant before) {
    int ended = 0;
    for (MultipartUpload upload : uploads(bucket, prefix)) {
      if (upload.key().startsWith(prefix) && lastActivity(bucket, upload).isBefore(before)) {
        bucket
            .client()
            .abortMultipartUpload(
                request ->
                    request.bucket(bucket.name()).key(upload.key()).uploadId(upload.uploadId()));
        ended++;
      }
    }
    return ended;
  }

  private static Instant lastActivity(Bucket bucket, MultipartUpload upload) {
    return parts(bucket, upload).stream()
        .map(Part::lastModified)
        .max(Comparator.naturalOrder())
        .filter(upload.initiated()::isBefore)
        .orElse(upload.initiated());
  }

  private static List<MultipartUpload> uploads(Bucket bucket, String prefix) {
    return bucket
        .client()
        .listMultipartUploadsPaginator(request -> request.bucket(bucket.name()).prefix(prefix))
        .uploads()
        .stream()
        .toList();
  }

  /** None if the upload has ended meanwhile. */
  private static List<Part> parts(Bucket bucket, MultipartUpload upload) {
    try {
      return bucket
          .client()
          .listPartsPaginator(
              request ->
                  request.bucket(bucket.name()).key(upload.key()).uploadId(upload.uploadId()))
          .parts()
          .stream()
          .toList();
    } catch (SdkException e) {
      if (Bucket.hasCode(e, VANISHED)) {
        return List.of();
      }
      throw e;
    }
  }
}
