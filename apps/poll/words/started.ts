/** The message that announces a new poll. */
export const started = {
  en: '{{ user }} started a poll: {{ question }}',
  de: '{{ user }} hat eine Umfrage gestartet: {{ question }}',
  zh: '{{ user }} 发起了投票：{{ question }}',
  ar: 'بدأ {{ user }} استطلاعًا: {{ question }}',
}
