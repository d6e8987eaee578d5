package io.athanor.deploy.target;

import java.net.URI;

/**
 * What a model has become on the Hub.
 *
 * @param repository its page
 * @param branch for example {@code main}
 * @param commit that holds every file; others may have committed since
 * @param changed how many files the commit changed; 0 if everything was there before
 * @param bytesSent of large files; those that the Hub had already are not sent
 */
public record HubCommit(
    URI repository, String branch, String commit, int changed, long bytesSent) {}
