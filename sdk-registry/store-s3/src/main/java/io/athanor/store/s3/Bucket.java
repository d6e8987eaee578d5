package io.athanor.store.s3;

import io.athanor.api.error.StorageException;
import software.amazon.awssdk.awscore.exception.AwsServiceException;
import software.amazon.awssdk.core.exception.SdkException;
import software.amazon.awssdk.services.s3.S3Client;

/** Where objects are, and what failures there mean. Messages hold codes, never what was sent. */
record Bucket(S3Client client, String name) {
  private static final int REFUSED = 403;
  private static final int UNKNOWN_CALLER = 401;
  private static final int SERVER_ERROR = 500;
  private static final int TOO_MANY = 429;

  String place(String key) {
    return "s3://" + name + "/" + key;
  }

  /** Whether the server did not say that it did nothing. */
  static boolean isSilence(SdkException failure) {
    return !(failure instanceof AwsServiceException answer) || answer.statusCode() >= SERVER_ERROR;
  }

  static boolean hasCode(SdkException failure, String code) {
    return failure instanceof AwsServiceException answer && code.equals(code(answer));
  }

  StorageException failure(String key, SdkException failure) {
    return new StorageException(
        place(key), "failed (" + describe(failure) + "). " + remedy(failure), failure);
  }

  static String describe(SdkException failure) {
    return failure instanceof AwsServiceException answer
        ? (answer.statusCode() + " " + code(answer)).strip()
        : String.valueOf(failure.getMessage());
  }

  /** Empty if the server gave none. */
  private static String code(AwsServiceException answer) {
    return answer.awsErrorDetails() == null || answer.awsErrorDetails().errorCode() == null
        ? ""
        : answer.awsErrorDetails().errorCode();
  }

  private static String remedy(SdkException failure) {
    if (failure instanceof AwsServiceException answer) {
      int status = answer.statusCode();
      if (status == REFUSED || status == UNKNOWN_CALLER) {
        return "Check the credentials, and that they allow what the store needs";
      }
      if (code(answer).equals("NoSuchBucket")) {
        return "Create the bucket, or name another";
      }
      return status >= SERVER_ERROR || status == TOO_MANY
          ? "Try again later"
          : "Check endpoint, region and bucket";
    }
    return "Check endpoint, credentials and network, then try again";
  }
}
