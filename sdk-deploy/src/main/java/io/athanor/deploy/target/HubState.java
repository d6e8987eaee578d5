package io.athanor.deploy.target;

import com.fasterxml.jackson.databind.JsonNode;
import io.athanor.api.common.JsonFields;
import io.athanor.api.error.FormatException;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * What a repository holds at a commit.
 *
 * @param commit its name
 * @param hidden whether the repository is private
 * @param contents of files by path: the SHA-256 of large ones, the name of Git's blob of others
 */
record HubState(String commit, boolean hidden, Map<String, String> contents) {
  HubState {
    contents = Map.copyOf(contents);
  }

  /**
   * @throws FormatException if it is not what the Hub answers
   */
  static HubState of(Reply reply) {
    JsonFields facts = reply.fields();
    Map<String, String> contents = new HashMap<>();
    if (facts.has("siblings")) {
      for (JsonNode file : facts.node("siblings")) {
        String large = file.path("lfs").path("sha256").asText("");
        contents.put(
            file.path("rfilename").asText(),
            large.isEmpty() ? file.path("blobId").asText("") : large);
      }
    }
    return new HubState(facts.text("sha"), facts.has("private") && facts.flag("private"), contents);
  }

  boolean holds(HubFile file) {
    String content = contents.getOrDefault(file.path(), "");
    return content.equals(file.sha256().hex()) || content.equals(file.gitBlob());
  }

  boolean holdsAll(List<HubFile> files) {
    return files.stream().allMatch(this::holds);
  }
}
