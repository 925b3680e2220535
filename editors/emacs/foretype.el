;;; foretype.el --- Ghost text from a model on your own machine  -*- lexical-binding: t -*-

;; Package-Requires: ((emacs "27.1"))
;; Version: 0.1.0
;; SPDX-License-Identifier: Apache-2.0

;;; Commentary:

;; `foretype-mode' shows what `foretype lsp' suggests in grey behind point.  TAB takes it, M-<right> its next word,
;; M-RET its first line, C-] refuses it; anything else goes on as if nothing were there.  It has a connection of
;; its own and works beside eglot and lsp-mode.  One process serves all buffers; the model is the daemon's.
;;
;;   (add-to-list 'load-path "…/editors/emacs")
;;   (require 'foretype)
;;   (add-hook 'prog-mode-hook #'foretype-mode)
;;
;; What to suggest, when and how much is the server's to decide.  This draws, and says what happened.

;;; Code:

(require 'jsonrpc)
(require 'subr-x)
(require 'url-util)

(defgroup foretype nil "Ghost text from a model on your own machine." :group 'completion)

(defcustom foretype-command '("foretype" "lsp") "Program and arguments of the language server." :type '(repeat string))

(defcustom foretype-delay 0.03 "Seconds from a key to the question what may follow." :type 'number)

(defface foretype-ghost '((t :inherit shadow)) "Suggested text.")

(defvar foretype--server nil "The connection to the language server.")
(defvar-local foretype--item nil "The suggestion on the screen: (TEXT ITEM), TEXT being what point lacks.")
(defvar-local foretype--overlay nil)
(defvar-local foretype--timer nil)
(defvar-local foretype--state nil "Point and tick of the last look.")
(defvar-local foretype--edit nil "Where the change that is being made begins and ends.")
(defvar-local foretype--version 0)

(defvar foretype-mode)

(defvar foretype-ghost-map
  (let ((map (make-sparse-keymap)))
    (define-key map (kbd "TAB") #'foretype-accept)
    (define-key map (kbd "<tab>") #'foretype-accept)
    (define-key map (kbd "M-<right>") #'foretype-accept-word)
    (define-key map (kbd "M-RET") #'foretype-accept-line)
    (define-key map (kbd "C-]") #'foretype-dismiss)
    map)
  "Keys while a suggestion is on the screen.")

(defun foretype--language ()
  "What editors call the language of this buffer."
  (let ((name (string-remove-suffix "-ts" (string-remove-suffix "-mode" (symbol-name major-mode)))))
    (or (cdr (assoc name '(("c++" . "cpp") ("js" . "javascript") ("js-jsx" . "javascriptreact") ("sh" . "shellscript")
                           ("bash" . "shellscript") ("tsx" . "typescriptreact") ("emacs-lisp" . "elisp")
                           ("tuareg" . "ocaml") ("cperl" . "perl") ("rustic" . "rust") ("mhtml" . "html"))))
        name)))

(defun foretype--uri ()
  "This buffer's address."
  (if buffer-file-name
      (concat "file://" (url-hexify-string (expand-file-name buffer-file-name) url-path-allowed-chars))
    (concat "untitled:" (url-hexify-string (buffer-name)))))

(defun foretype--position (at)
  "The place AT as the protocol has it; characters are counted as code points."
  (save-excursion
    (save-restriction
      (widen)
      (goto-char at)
      (list :line (1- (line-number-at-pos)) :character (- at (line-beginning-position))))))

(defun foretype--document () "This buffer, as requests name it." (list :uri (foretype--uri)))

(defun foretype--connect ()
  "The connection, made where there is none."
  (unless (and foretype--server (jsonrpc-running-p foretype--server))
    (setq foretype--server
          (make-instance 'jsonrpc-process-connection :name "foretype" :events-buffer-scrollback-size 0
                         :process (lambda ()
                                    (make-process :name "foretype" :command foretype-command :connection-type 'pipe
                                                  :coding 'utf-8-emacs-unix :noquery t
                                                  :stderr (get-buffer-create " *foretype stderr*")))))
    (jsonrpc-request foretype--server :initialize
                     (list :processId (emacs-pid) :rootUri (concat "file://" (expand-file-name default-directory))
                           :capabilities '(:general (:positionEncodings ["utf-32"])
                                           :textDocument (:inlineCompletion (:dynamicRegistration :json-false))))
                     :timeout 30)
    (jsonrpc-notify foretype--server :initialized (make-hash-table))
    (dolist (buffer (buffer-list))
      (with-current-buffer buffer (when (bound-and-true-p foretype-mode) (foretype--open)))))
  foretype--server)

(defun foretype--notify (method params)
  "Tell the server METHOD with PARAMS, if there is one."
  (when (and foretype--server (jsonrpc-running-p foretype--server)) (jsonrpc-notify foretype--server method params)))

(defun foretype--open ()
  "Show this buffer to the server."
  (foretype--notify :textDocument/didOpen
                    (list :textDocument (list :uri (foretype--uri) :languageId (foretype--language)
                                              :version foretype--version :text (foretype--text (point-min) (point-max))))))

(defun foretype--text (beginning end)
  "The text from BEGINNING to END, of the whole buffer."
  (save-restriction (widen) (buffer-substring-no-properties beginning end)))

(defun foretype--before-change (beginning end)
  "Remember where the text from BEGINNING to END lies, which is about to change."
  (setq foretype--edit (list beginning (foretype--position beginning) (foretype--position end))))

(defun foretype--after-change (beginning end _length)
  "Tell the server what stands from BEGINNING to END now."
  (let ((known (and (eql beginning (car foretype--edit)) foretype--edit)))
    (setq foretype--version (1+ foretype--version) foretype--edit nil)
    (foretype--notify
     :textDocument/didChange
     (list :textDocument (list :uri (foretype--uri) :version foretype--version)
           :contentChanges
           (vector (if known
                       (list :range (list :start (nth 1 known) :end (nth 2 known)) :text (foretype--text beginning end))
                     (list :text (foretype--text 1 (1+ (buffer-size))))))))))

(defun foretype--hide ()
  "Take the suggestion from the screen."
  (when foretype--overlay (delete-overlay foretype--overlay))
  (setq foretype--overlay nil foretype--item nil))

(defun foretype--show (text end item)
  "Show TEXT behind point, in place of what stands up to END; ITEM is what it came from."
  (foretype--hide)
  (setq foretype--item (list text item)
        foretype--overlay (make-overlay (point) end nil t nil))
  (let ((ghost (propertize text 'face 'foretype-ghost)))
    (put-text-property 0 1 'cursor t ghost)
    (when (< (point) end) (overlay-put foretype--overlay 'display ""))
    (overlay-put foretype--overlay 'before-string ghost)))

(defun foretype--answered (result at tick)
  "Show the first of RESULT, if point is still at AT and the buffer as it was at TICK."
  (when-let* ((items (if (vectorp result) result (plist-get result :items)))
              (item (and (> (length items) 0) (= (point) at) (= tick (buffer-chars-modified-tick)) (aref items 0)))
              (range (plist-get item :range)))
    (let* ((line (line-beginning-position))
           (begins (+ line (plist-get (plist-get range :start) :character)))
           (ends (min (line-end-position) (+ line (plist-get (plist-get range :end) :character))))
           (said (foretype--text begins at))
           (text (plist-get item :insertText)))
      (when (and (string-prefix-p said text) (> (length text) (length said)))
        (foretype--show (substring text (length said)) ends item)
        (foretype--notify :textDocument/didShowCompletion (list :item item))))))

(defun foretype--ask ()
  "Ask what may follow point."
  (when foretype-mode
    (let ((buffer (current-buffer)) (at (point)) (tick (buffer-chars-modified-tick)))
      (jsonrpc-async-request
       (foretype--connect) :textDocument/inlineCompletion
       (list :textDocument (foretype--document) :position (foretype--position at) :context '(:triggerKind 2))
       :success-fn (lambda (result)
                     (when (buffer-live-p buffer) (with-current-buffer buffer (foretype--answered result at tick))))
       :error-fn #'ignore :timeout-fn #'ignore :timeout 20))))

(defun foretype--look ()
  "After each command: keep what is typed into, drop what no longer fits, and ask for more."
  (let ((state (list (point) (buffer-chars-modified-tick))))
    (unless (equal state foretype--state)
      (let* ((typed (and foretype--state foretype--item (> (point) (car foretype--state))
                         (foretype--text (car foretype--state) (point))))
             (left (and typed (string-prefix-p typed (car foretype--item)) (substring (car foretype--item) (length typed)))))
        (if (and left (not (string-empty-p left)))
            (foretype--show left (max (point) (overlay-end foretype--overlay)) (nth 1 foretype--item))
          (foretype--hide)))
      (when foretype--timer (cancel-timer foretype--timer))
      (when (and foretype--state (/= (cadr state) (cadr foretype--state)))
        (setq foretype--timer
              (run-at-time foretype-delay nil
                           (lambda (buffer) (when (buffer-live-p buffer) (with-current-buffer buffer (foretype--ask))))
                           (current-buffer))))
      (setq foretype--state state))))

(defun foretype--take (length)
  "Take the first LENGTH characters of the suggestion into the buffer."
  (pcase-let ((`(,text ,item) foretype--item) (end (overlay-end foretype--overlay)))
    (foretype--hide)
    (if (< length (length text))
        (progn (insert (substring text 0 length))
               (foretype--notify :textDocument/didPartiallyAcceptCompletion (list :item item :acceptedLength length)))
      (delete-region (point) (max (point) end))
      (insert text)
      (when-let ((command (plist-get item :command)))
        (jsonrpc-async-request (foretype--connect) :workspace/executeCommand
                               (list :command (plist-get command :command) :arguments (plist-get command :arguments))
                               :success-fn #'ignore :error-fn #'ignore)))))

(defun foretype-accept () "Take the whole suggestion." (interactive) (foretype--take (length (car foretype--item))))

(defun foretype-accept-word ()
  "Take the suggestion's next word."
  (interactive)
  (foretype--take (if (string-match "\\`[[:space:]\n]*\\(?:[[:alnum:]_]+\\|[^[:alnum:]_[:space:]]+\\)" (car foretype--item))
                      (match-end 0)
                    (length (car foretype--item)))))

(defun foretype-accept-line ()
  "Take the suggestion up to the end of its first line that says something."
  (interactive)
  (foretype--take (if (string-match "\\`\n*[^\n]+" (car foretype--item)) (match-end 0) (length (car foretype--item)))))

(defun foretype-dismiss () "Refuse the suggestion." (interactive) (foretype--hide))

;;;###autoload
(define-minor-mode foretype-mode
  "Show suggestions of a model on your own machine in grey behind point."
  :lighter " 4t"
  (foretype--hide)
  (if foretype-mode
      (progn
        (let ((fresh (not (and foretype--server (jsonrpc-running-p foretype--server)))))
          (foretype--connect)
          (unless fresh (foretype--open)))
        (setq foretype--state (list (point) (buffer-chars-modified-tick)))
        (add-hook 'before-change-functions #'foretype--before-change nil t)
        (add-hook 'after-change-functions #'foretype--after-change nil t)
        (add-hook 'post-command-hook #'foretype--look nil t)
        (add-hook 'kill-buffer-hook #'foretype--close nil t))
    (foretype--close)
    (remove-hook 'before-change-functions #'foretype--before-change t)
    (remove-hook 'after-change-functions #'foretype--after-change t)
    (remove-hook 'post-command-hook #'foretype--look t)
    (remove-hook 'kill-buffer-hook #'foretype--close t)))

(defun foretype--close ()
  "This buffer is no longer edited."
  (foretype--notify :textDocument/didClose (list :textDocument (foretype--document))))

(add-to-list 'minor-mode-map-alist (cons 'foretype--item foretype-ghost-map))

(provide 'foretype)
;;; foretype.el ends here
