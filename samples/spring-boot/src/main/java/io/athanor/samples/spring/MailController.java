package io.athanor.samples.spring;

import io.athanor.api.deploy.Answer;
import io.athanor.api.deploy.Deployment;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RestController;

/** Takes mails as text and tells which folder they belong to. */
@RestController
class MailController {
  private final Deployment spamFilter;

  MailController(Deployment spamFilter) {
    this.spamFilter = spamFilter;
  }

  /** Where a mail belongs, and how sure the model is. */
  record Sorted(String folder, double confidence, String model) {}

  @PostMapping("/mails")
  Sorted sort(@RequestBody String mail) {
    Answer answer = spamFilter.predict(mail);
    return new Sorted(answer.label(), answer.confidence(), answer.model() + ":" + answer.version());
  }
}
