// Sends the form of the page as its button would.
document.querySelector('button[type=submit]').click()
